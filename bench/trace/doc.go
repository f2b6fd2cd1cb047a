// Package trace has what clients ask for and when: the arrivals, the work of each
// request and the hint that its client gives of it. One trace is served by real engines
// and by simulated ones, so that what is compared differs in nothing else.
//
// Work is counted in units of mean 1: an endpoint of capacity C completes C units per
// second with all its slots busy. Chance comes from the seed alone, by one stream for
// each of arrivals, work and hints: the same seed gives the same arrivals whatever the
// work is, and the same work whatever is hinted at.
//
// Real inference work has prompts and answers in tokens, and blocks that prompts begin with. A Workload reads it from a
// file that somebody has published, or makes it with the statistics of one: no such file is part of this repository.
//
// A trace is a plain value. Nothing here writes to one after it was made.
//
//	t, err := trace.New(trace.Options{Seed: 1, Requests: 20_000, Rate: 150,
//		Work: trace.Heavy, Hints: trace.Hints{Noise: 0.5}})
//	t, err = trace.Read("recorded.csv") // or one that Mooncake, Azure or ServeGen have published
//	t, err = trace.Workload{Name: "conversations"}.Trace(1)
//	t = t.Stretch(4) // requests per second
package trace
