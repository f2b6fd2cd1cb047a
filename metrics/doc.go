// Package metrics owns the registry and every instrument: what is counted, under
// which name, with which labels. METRICS.md lists all families. It imports
// nothing of ours. Every room may write to its instruments; only a scrape reads them.
//
//	registry := metrics.New(metrics.Build{Version: "1.0.0"})
//	small := registry.Endpoint("chat", "small") // once, when the pool is built
//	small.Answered(200, 1800*time.Millisecond, 120*time.Millisecond, 35*time.Microsecond)
//	registry.Observe(func() []metrics.EndpointState { ... }) // gauges, at each scrape
//	admin := http.Handler(registry.Handler())
//
// What only a pool, the transport or the prober can know (in flight, capacity,
// conditions, open connections) is asked for at each scrape and not kept here:
// a gauge that one place adds to and another subtracts from drifts.
//
// Counting costs atomic additions on words resolved beforehand. The three
// histograms are our own, because Answered runs once per request: on a 2-core
// EPYC it takes 27 ns, against 85 to 115 ns with client_golang's histograms,
// and with both cores counting on a busy machine 60 against 170 ns, of about
// 4 µs that a request may cost in all (BenchmarkAnswered shows both).
//
// A scrape of a thousand endpoints is some sixty thousand samples. page.go writes them
// in 34 ms of one core (BenchmarkScrape), and exposition.go does so once a second at most,
// with rests in between, so that requests do not wait for it.
//
// Names are steelyard_<noun>_<unit>[_total]. The values of labels come from closed
// lists or from names in the configuration; Forget removes an endpoint's. Only model
// comes from requests: app shows the few models that finished enough requests, so that
// clients cannot make up series.
package metrics
