// Other times and other lengths for a trace that is there.

package trace

import (
	"slices"
	"time"
)

// Stretch returns the trace at another rate, in requests per second: all times are multiplied by one number. A trace
// that takes no time stays as it is.
func (t Trace) Stretch(rate float64) Trace {
	if t.Rate() == 0 || rate <= 0 {
		return t
	}
	return t.Slowed(t.Rate() / rate)
}

// Slowed returns the trace with all its times multiplied by a number; below 1 it is faster.
func (t Trace) Slowed(factor float64) Trace {
	t.Requests = slices.Clone(t.Requests)
	for i := range t.Requests {
		t.Requests[i].At = time.Duration(float64(t.Requests[i].At) * factor)
	}
	return t
}

// Cut returns the requests from one number up to another, which is not part of it, as a trace that starts where they do:
// the first of them comes after its distance from the one before it. Numbers beyond the end are the end.
func (t Trace) Cut(from, to int) Trace {
	to = min(max(to, 0), len(t.Requests))
	from = min(max(from, 0), to)
	start := time.Duration(0)
	if from > 0 {
		start = t.Requests[from-1].At
	}
	t.Requests = slices.Clone(t.Requests[from:to])
	for i := range t.Requests {
		t.Requests[i].At -= start
	}
	return t
}

// Poisson returns the trace with its requests in order, at arrivals that are independent of each other, at the rate it
// has.
func (t Trace) Poisson(seed uint64) Trace {
	rate := t.Rate()
	if rate == 0 {
		return t
	}
	t.Requests = slices.Clone(t.Requests)
	arrive(t.Requests, Options{Seed: seed, Rate: rate, Arrivals: Poisson})
	return t
}

// Lengths are the mean lengths of prompts and answers, in tokens.
func (t Trace) Lengths() (prompt, answer float64) {
	for i := range t.Requests {
		prompt += float64(t.Requests[i].PromptTokens)
		answer += float64(t.Requests[i].AnswerTokens)
	}
	n := float64(max(len(t.Requests), 1))
	return prompt / n, answer / n
}

// Reuse is the share of all prompt tokens that a cache without end would have read before, in full blocks.
func (t Trace) Reuse() float64 {
	type place struct {
		name  uint64
		depth int
	}
	seen := map[place]bool{}
	had, all := 0, 0
	for i := range t.Requests {
		r := &t.Requests[i]
		all += r.PromptTokens
		full := r.Prefix[:min(len(r.Prefix), r.PromptTokens/BlockTokens)]
		again := true
		for depth, name := range full {
			p := place{name, depth}
			if again = again && seen[p]; again {
				had += BlockTokens
			}
			seen[p] = true
		}
	}
	return float64(had) / float64(max(all, 1))
}
