package policy

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

func turns(g *rig, picks int) (order []int) {
	for range picks {
		order = append(order, g.pick(nil))
	}
	return order
}

func TestRoundRobinTurns(t *testing.T) {
	g := newRig(t, RoundRobin(), []float64{1, 1000, 10})
	assert.Equal(t, []int{0, 1, 2, 0, 1, 2, 0}, turns(g, 7), "capacity does not matter")
	assert.Equal(t, 2, g.pick(g.without(2)), "excluded in its turn")
	assert.Equal(t, []int{1, 0, 2, 1, 0}, turns(g, 5), "has the next, and the row goes on")
	g.open(2, false)
	assert.Equal(t, []int{1, 0, 1, 0, 1, 0}, turns(g, 6))
	g.open(2, true)
	assert.Equal(t, []int{2, 1, 0, 2, 1, 0}, turns(g, 6), "one turn, however many were missed")
}

// TestRoundRobinKeepsTheRow replaces the picker between any two requests.
func TestRoundRobinKeepsTheRow(t *testing.T) {
	g := newRig(t, RoundRobin(), group(5, 1))
	var order []int
	for range 20 {
		order = append(order, g.pick(nil))
		g.replace(RoundRobin())
	}
	assert.Equal(t, slices.Repeat([]int{0, 1, 2, 3, 4}, 4), order)
}

func TestRoundRobinNewcomersJoinTheEnd(t *testing.T) {
	list := candidates(t, group(4, 1))
	old := RoundRobin().Build(list[:3])
	for range 4 {
		old.Pick(nil)
	}
	next := RoundRobin().Build(list[1:])
	next.Inherit(old)
	var order []int
	for range 6 {
		i, _ := next.Pick(nil)
		order = append(order, i)
	}
	assert.Equal(t, []int{0, 1, 2, 0, 1, 2}, order, "endpoints 1 and 2 were waiting; 0 has left")
}

// TestRoundRobinSharesEqually lets requests exclude and endpoints close at random: those
// that were neither had as many requests as each other, give or take one.
func TestRoundRobinSharesEqually(t *testing.T) {
	const n, restless = 30, 10
	rng := rand.New(rand.NewPCG(1, 1))
	g := newRig(t, RoundRobin(), unequal(n))
	had := make([]int, n)
	for range 20_000 {
		g.open(rng.IntN(restless), rng.IntN(2) == 0)
		r := g.without(0)
		if rng.IntN(3) == 0 {
			r.Exclude = append(r.Exclude, g.list[rng.IntN(restless)].Endpoint)
		}
		had[g.pick(r)]++
		steady := had[restless:]
		require.LessOrEqual(t, slices.Max(steady)-slices.Min(steady), 1)
		require.LessOrEqual(t, slices.Max(had[:restless]), slices.Max(steady)+1)
	}
}

// byTurns returns a model that looks at every candidate for the one whose last turn is the
// longest ago.
func byTurns(n int) func(*rig, *balancer.Request) int {
	last, turn := make([]int, n), 0
	return func(g *rig, r *balancer.Request) int {
		next := absent
		for i := range g.list {
			if g.may(i, r) && (next == absent || last[i] < last[next]) {
				next = i
			}
		}
		turn++
		last[next] = turn
		return next
	}
}

func FuzzRoundRobin(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		capacities, steps := readCapacities(data)
		if len(capacities) == 0 {
			return
		}
		g := newRig(t, RoundRobin(), capacities)
		g.expect = byTurns(len(capacities))
		g.run(steps, []balancer.Builder{RoundRobin()})
	})
}
