// Package real holds steelyard's policies against others' rules on real inference work, in virtual time: traces as they were
// published, or generated like them, on fleets of engines that batch, fill their memory and remember prompts.
//
// A Plan is traces on fleets at loads. Load 1 is what the engines of a fleet finish of the trace when none is ever idle, and
// the trace's times are stretched to a load. Each contender serves the same requests, once for each seed: a seed draws what
// the trace leaves open, how far a gateway's guess of a prompt's tokens is off, and what policies draw. The first tenth
// of the requests is not counted.
//
// Goals are what has to come out. Those over published traces are judged only where the files are given: the program has
// none. Variants are the same with something wrong: a capacity, a second gateway, an engine that slows down or restarts.
//
//	result, err := real.Run(ctx, real.Options{Seed: 1, Seeds: 5})
package real
