// Balancers that hear what the others have in flight.

package sim

import (
	"math"
	"strconv"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/shared"
)

// hearing lets balancers tell and hear in turn, as gateways do by a store. It rests while nothing changes, nobody waits and
// all know how things are.
type hearing struct {
	loads   []*balancer.Loads
	pools   []*balancer.Pool
	rooms   []*shared.Room     // by balancer: of gateways
	starves []starves          // by balancer: at which servers its requests starve, as it told last
	told    []map[string]int64 // by balancer: what it told last
	step    float64            // seconds from one balancer's turn to the next
	turn    int64              // of the next
	idle    int                // turns since a request was sent, or has ended
}

func newHearing(every time.Duration, balancers int) *hearing {
	h := &hearing{starves: make([]starves, balancers), told: make([]map[string]int64, balancers), step: every.Seconds() / float64(balancers), idle: 2 * balancers}
	for p := range balancers {
		h.rooms = append(h.rooms, shared.NewRoom(strconv.Itoa(p), every))
	}
	return h
}

// starves is at which servers requests of a balancer starve, and for how long, as it told at a time.
type starves struct {
	at time.Time
	by map[string]time.Duration
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
func (h *hearing) hear(now time.Duration) (p int) {
	p = int(h.turn % int64(len(h.told)))
	h.turn++
	h.idle++
	at := time.Unix(0, 0).Add(now)
	own := h.tell(p, at)
	sum, starving := shared.Sum{Load: map[string]int64{}}, map[string][]shared.Starved{}
	for other, told := range h.told {
		if other == p {
			continue
		}
		for address, n := range told {
			sum.Load[address] += n
		}
		for address, age := range h.starves[other].by {
			starving[address] = append(starving[address], shared.Starved{By: strconv.Itoa(other), For: age + at.Sub(h.starves[other].at)})
		}
	}
	for address, n := range h.rooms[p].Leave(at, &sum, &own, h.loads[p].Slots(), starving) {
		sum.Load[address] += n
	}
	h.loads[p].SetElsewhere(sum.Load)
	h.tell(p, at) // who waited may have got a slot: the others are told at once
	return p
}

// tell has a balancer tell what it has.
func (h *hearing) tell(p int, at time.Time) shared.Own {
	own := shared.Own{Load: h.loads[p].Own()}
	if q := h.pools[p].Queue(); q.Waiting > 0 {
		h.idle = 0
		if q.Oldest >= shared.LongWait {
			own.Oldest = map[string]time.Duration{}
			for address := range h.loads[p].Slots() {
				own.Oldest[address] = q.Oldest
			}
		}
	}
	h.told[p], h.starves[p] = own.Load, starves{at, h.rooms[p].Starves(at, &own)}
	return own
}
