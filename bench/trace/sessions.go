// Sessions: requests that follow each other, each with a prompt that begins as the one before.

package trace

import (
	"math"
	"math/rand/v2"
	"slices"
)

// blocks names the blocks of prompts, each once.
type blocks uint64

// grow returns a prompt's blocks for so many tokens: first those that it shares, then new ones.
func (b *blocks) grow(shared []uint64, promptTokens int) []uint64 {
	n := (promptTokens + BlockTokens - 1) / BlockTokens
	list := make([]uint64, 0, n)
	list = append(list, shared[:min(len(shared), n)]...)
	for len(list) < n {
		*b++
		list = append(list, uint64(*b))
	}
	return list
}

// full are a request's blocks that hold BlockTokens, which another prompt can begin with.
func full(r Request) []uint64 { return r.Prefix[:r.PromptTokens/BlockTokens] }

// gap is the time to the next request of a session, in seconds: log-normal about a median.
func gap(median, sigma float64, chance *rand.Rand) float64 {
	return median * math.Exp(sigma*chance.NormFloat64())
}

// bySession makes the first requests of a trace whose sessions begin independently of each other, at a rate per second.
// Each is made with the times of its requests counted from its first. Some began so many seconds before the trace did,
// so that it starts as it goes on; what they asked before is not part of it.
func bySession(requests int, rate, before float64, chance *rand.Rand, session func() []Request) []Request {
	var made []Request
	began, needed := -before, math.Inf(1)
	for number := 1; began < needed; number++ {
		began += chance.ExpFloat64() / rate
		for _, r := range session() {
			if r.At += seconds(began); r.At >= 0 {
				r.Session = number
				made = append(made, r)
			}
		}
		if len(made) >= requests && math.IsInf(needed, 1) {
			sortByTime(made)
			needed = made[requests-1].At.Seconds() // no session that begins later is in it
		}
	}
	sortByTime(made)
	return made[:requests]
}

func sortByTime(list []Request) {
	slices.SortStableFunc(list, func(a, b Request) int { return int(min(max(a.At-b.At, -1), 1)) })
}

// commonPart is the part of all requests from which on a block that they begin with is a prompt that many share, and says
// nothing of who asks.
const commonPart = 0.02

// findSessions numbers the sessions of a trace that does not tell them: a request continues the one before it that has the
// deepest of its blocks, if not many have that.
func findSessions(requests []Request) {
	users, last := map[uint64]int{}, map[uint64]int{}
	for _, r := range requests {
		for _, name := range r.Prefix {
			users[name]++
		}
	}
	most := max(int(commonPart*float64(len(requests))), 50)
	sessions := 0
	for i := range requests {
		r := &requests[i]
		for _, name := range r.Prefix {
			if session := last[name]; session > 0 && users[name] <= most {
				r.Session = session
			}
		}
		if r.Session == 0 {
			sessions++
			r.Session = sessions
		}
		for _, name := range r.Prefix {
			last[name] = r.Session
		}
	}
}
