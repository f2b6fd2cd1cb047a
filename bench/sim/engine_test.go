package sim

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/trace"
)

func TestHeapGivesTheLeastFirst(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		var h heap
		var all []entry
		for id := range int32(chance.IntN(60)) {
			key := float64(chance.IntN(10)) // many are equal
			h.push(key, id)
			all = append(all, entry{key, id})
			if chance.IntN(3) == 0 {
				least := slices.MinFunc(all, func(a, b entry) int {
					if a.before(b) {
						return -1
					}
					return 1
				})
				require.Equal(t, least, h.pop())
				all = slices.DeleteFunc(all, func(e entry) bool { return e == least })
			}
		}
		slices.SortFunc(all, func(a, b entry) int {
			if a.before(b) {
				return -1
			}
			return 1
		})
		for _, want := range all {
			require.Equal(t, want, h.pop())
		}
		require.Empty(t, h)
	}
}

// TestEnginesDoAllTheWork: whatever the discipline and however the speed changes, an
// engine with its slots full does as much work as its capacity says.
func TestEnginesDoAllTheWork(t *testing.T) {
	for _, e := range []Endpoint{
		{Capacity: 10}, {Capacity: 10, Slots: 3}, {Capacity: 10, Discipline: Sharing}, {Capacity: 10, Slots: 3, Discipline: Sharing},
		{Capacity: 10, Slots: 3, Batch: &Batch{Speeds: slowed}},
	} {
		const count = 1000
		chance, requests, total := rand.New(rand.NewPCG(1, 4)), make([]trace.Request, count), 0.0
		engine := newEngine(e, requests)
		assert.True(t, math.IsInf(engine.due, 1), "an idle engine has nothing due")
		for i := range requests {
			requests[i].Work = 0.1 + chance.ExpFloat64()
			total += requests[i].Work
			engine.begin(int32(i))
		}
		engine.reckon()
		now, possible, given := 0.0, 0.0, total
		pass := func(until float64) {
			possible += engine.capacity * (until - now)
			now = until
		}
		for engine.load() > max(e.Slots, 1) {
			if chance.IntN(10) == 0 {
				pass(now + (engine.due-now)*chance.Float64())
				engine.advance(now)
				engine.capacity = 1 + 20*chance.Float64()
				engine.reckon()
			}
			pass(engine.due)
			given -= requests[engine.end()].Work
			engine.reckon()
		}
		for _, left := range engine.decoding.requests { // what they have had already counts as well
			possible += left.key - engine.decoding.served
			given -= requests[left.id].Work
		}
		assert.InDelta(t, 0, given, 1e-9, "none may end twice")
		assert.InEpsilon(t, total, possible, 1e-9, "%+v", e)
	}
}
