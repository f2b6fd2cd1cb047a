// Drawing candidates at random in proportion to capacity.

package policy

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// Options tune a policy that draws lots.
type Options struct {
	// Seed makes the draws the same in each run: the first picker that is built draws one
	// sequence, the second another, and so on. A picker that takes over from another goes on
	// with that one's sequence. 0 seeds each picker at random, so that no two replicas draw
	// the same.
	Seed uint64
}

// name adds the options to the name of a policy.
func (o Options) name(policy string) string {
	if o.Seed == 0 {
		return policy
	}
	return fmt.Sprintf("%s, seed %d", policy, o.Seed)
}

// sources makes a source of chance for each picker that is built.
type sources struct {
	seed  uint64
	built atomic.Uint64 // pickers so far; written by next
}

func (s *sources) next() *rand.Rand {
	if s.seed == 0 {
		return rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	return rand.New(rand.NewPCG(s.seed, s.built.Add(1)))
}

// lottery draws among the open candidates in proportion to capacity.
type lottery struct {
	index  map[*balancer.Endpoint]int32
	weight []float64 // by candidate: the capacity, in parts of a power of two
	in     sumTree   // the weight of each candidate that may be drawn, 0 for the others
	aside  []int32   // candidates that are kept from one pick; empty between picks
	chance *rand.Rand
}

func newLottery(candidates []balancer.Candidate, chance *rand.Rand) *lottery {
	l := &lottery{index: indexOf(candidates), weight: scaled(candidates), chance: chance}
	l.in = newSumTree(l.weight)
	return l
}

// draw returns a candidate, or absent if none may be drawn.
func (l *lottery) draw() int32 {
	sum := l.in.sum()
	if sum == 0 {
		return absent
	}
	return l.in.find(l.chance.Float64() * sum)
}

// drawOther is draw without i.
func (l *lottery) drawOther(i int32) int32 {
	l.in.set(i, 0)
	other := l.draw()
	l.in.set(i, l.weight[i])
	return other
}

func (l *lottery) open(i int32, open bool) {
	if open {
		l.in.set(i, l.weight[i])
	} else {
		l.in.set(i, 0)
	}
}

// exclude keeps the candidates that the request must not have out of the draws until readmit.
func (l *lottery) exclude(r *balancer.Request) {
	if r == nil {
		return
	}
	for _, e := range r.Exclude {
		if i, ok := l.index[e]; ok && l.in.at(i) > 0 {
			l.in.set(i, 0)
			l.aside = append(l.aside, i)
		}
	}
}

func (l *lottery) readmit() {
	for _, i := range l.aside {
		l.in.set(i, l.weight[i])
	}
	l.aside = l.aside[:0]
}

// inherit goes on with the predecessor's sequence of draws.
func (l *lottery) inherit(predecessor balancer.Picker) {
	if before, ok := predecessor.(interface{ lots() *lottery }); ok {
		l.chance = before.lots().chance
	}
}
