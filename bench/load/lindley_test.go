package load_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/backend"
	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/load"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// BenchmarkReplay sends one trace straight to one engine of one slot, C = 100
// and T = 67, and reports what it measured over what Lindley's recursion gives
// for the very same trace: the generator's and the engine's common error. The
// p50 counts of these, since a mean is of few long waits. It takes 45 seconds.
//
//	go test -run '^$' -bench Replay -benchtime 1x ./bench/load
func BenchmarkReplay(b *testing.B) {
	const capacity, rate, requests = 100.0, 67.0, 3000
	s := simulated(b, backend.Options{Engine: engine.Options{Capacity: capacity, Slots: 1}, UnitTokens: 1})
	var got []load.Sample
	var exact, excess []time.Duration
	for b.Loop() {
		t, err := trace.New(trace.Options{Seed: 1, Requests: requests, Rate: rate})
		require.NoError(b, err)
		got, err = load.Replay(b.Context(), t, load.Options{URL: s.URL()})
		require.NoError(b, err)
		require.Empty(b, failures(got))
		exact, excess = exact[:0], excess[:0]
		free := time.Duration(0)
		for i, r := range t.Requests {
			free = max(free, r.At) + time.Duration(r.Work/capacity*float64(time.Second))
			exact = append(exact, free-r.At)
			excess = append(excess, got[i].Response-exact[i])
		}
	}
	sum, total := time.Duration(0), time.Duration(0)
	var measured, late []time.Duration
	for i, d := range exact {
		sum += d
		total += got[i].Response
		measured, late = append(measured, got[i].Response), append(late, got[i].Late)
	}
	slices.Sort(exact)
	slices.Sort(measured)
	slices.Sort(late)
	slices.Sort(excess)
	micros := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	b.ReportMetric(float64(total)/float64(sum), "mean/exact")
	b.ReportMetric(micros(measured[requests/2])/micros(exact[requests/2]), "p50/exact")
	b.ReportMetric(micros(excess[requests/2]), "excess-p50-µs")
	b.ReportMetric(micros(excess[requests*99/100]), "excess-p99-µs")
	b.ReportMetric(micros(late[requests/2]), "late-p50-µs")
	b.ReportMetric(micros(late[requests*99/100]), "late-p99-µs")
}
