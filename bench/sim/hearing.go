// Balancers that hear what the others have in flight.

package sim

import (
	"math"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// hearing lets balancers tell and hear in turn, as gateways do by a store. It rests while nothing changes and
// all know how things are.
type hearing struct {
	loads []*balancer.Loads
	told  []map[string]int64 // by balancer: what it told last
	step  float64            // seconds from one balancer's turn to the next
	turn  int64              // of the next
	idle  int                // turns since a request was sent, or has ended
}

func newHearing(every time.Duration, balancers int) *hearing {
	return &hearing{told: make([]map[string]int64, balancers), step: every.Seconds() / float64(balancers), idle: 2 * balancers}
}

// changed notes that a request was sent, or has ended.
func (h *hearing) changed(now float64) {
	if h == nil {
		return
	}
	if h.resting() {
		h.turn = int64(now/h.step) + 1
	}
	h.idle = 0
}

func (h *hearing) resting() bool { return h.idle >= 2*len(h.told) }

// due is when the next turn is, in seconds; +Inf: there is nothing to tell.
func (h *hearing) due() float64 {
	if h == nil || h.resting() {
		return math.Inf(1)
	}
	return float64(h.turn) * h.step
}

// hear lets the balancer whose turn it is tell and hear, and returns which that is.
func (h *hearing) hear() (p int) {
	p = int(h.turn % int64(len(h.told)))
	h.turn++
	h.idle++
	h.told[p] = h.loads[p].Own()
	sum := map[string]int64{}
	for other, told := range h.told {
		if other == p {
			continue
		}
		for address, n := range told {
			sum[address] += n
		}
	}
	h.loads[p].SetElsewhere(sum)
	h.told[p] = h.loads[p].Own() // who waited may have got a slot: the others are told at once
	return p
}
