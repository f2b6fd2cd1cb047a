package policy

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// Options tune a policy that draws lots.
type Options struct {
	// Seed makes the draws the same each time: the first picker built draws one sequence,
	// the second another, and so on, and one that takes over from another draws on from
	// there. 0 seeds each picker at random, so that no two replicas draw the same.
	Seed uint64
}

// name adds the options to the name of a policy.
func (o Options) name(policy string) string {
	if o.Seed == 0 {
		return policy
	}
	return fmt.Sprintf("%s, seed %d", policy, o.Seed)
}

// sources has a source of chance for each picker built.
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
	in     sumTree   // the weight of each that may be drawn, 0 of the others
	aside  []int32   // candidates kept out of one pick; empty between picks
	chance *rand.Rand
}

func newLottery(candidates []balancer.Candidate, chance *rand.Rand) *lottery {
	l := &lottery{index: indexOf(candidates), weight: scaled(candidates), chance: chance}
	l.in = newSumTree(l.weight)
	return l
}

// draw returns one candidate, or absent if none may be drawn.
func (l *lottery) draw() int32 {
	sum := l.in.sum()
	if sum == 0 {
		return absent
	}
	return l.in.find(l.chance.Float64() * sum)
}

// drawOther returns one that is not i.
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

// exclude keeps the candidates that the request may not have out of the draw, until
// readmit.
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

// inherit goes on with what the predecessor would have drawn.
func (l *lottery) inherit(predecessor balancer.Picker) {
	if before, ok := predecessor.(interface{ lots() *lottery }); ok {
		l.chance = before.lots().chance
	}
}
