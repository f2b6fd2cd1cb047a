package policy

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// every returns all policies as they are by default, and what an option changes wholly.
func every() map[string]balancer.Builder {
	all := map[string]balancer.Builder{}
	for name, r := range registry {
		all[name] = r.builder
	}
	var now atomic.Int64 // a clock that runs as it is read
	all["optimal_split with a scale"] = OptimalSplit(OptimalSplitOptions{Scale: 1, Now: func() time.Duration {
		return time.Duration(now.Add(int64(100 * time.Millisecond)))
	}})
	return all
}

// builders returns them in a fixed order.
func builders() []balancer.Builder {
	all := every()
	var list []balancer.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[name])
	}
	return list
}

// forEvery runs the test for each policy.
func forEvery(t *testing.T, test func(*testing.T, balancer.Builder)) {
	for name, b := range every() {
		t.Run(name, func(t *testing.T) { test(t, b) })
	}
}

func TestEveryPolicyWithOneEndpoint(t *testing.T) {
	forEvery(t, func(t *testing.T, b balancer.Builder) {
		g := newRig(t, b, []float64{42})
		for range 50 {
			assert.Equal(t, 0, g.pick(nil))
			assert.Equal(t, absent, g.pick(g.without(1)))
			g.open(0, false)
			assert.Equal(t, absent, g.pick(nil))
			assert.Equal(t, absent, g.pick(g.without(1)))
			g.open(0, true)
		}
	})
}

// TestEveryPolicyWithFewLeft closes and excludes all but one in every combination.
func TestEveryPolicyWithFewLeft(t *testing.T) {
	const n = 4
	forEvery(t, func(t *testing.T, b balancer.Builder) {
		g := newRig(t, b, []float64{5, 3, 2, 1})
		for closed := range 1 << n {
			for i := range n {
				g.open(i, closed&(1<<i) == 0)
			}
			for excluded := range 1 << n {
				r := g.without(excluded)
				for range 3 {
					g.pick(r)
				}
			}
		}
	})
}

// TestEveryPolicyIgnoresStrangers excludes endpoints that are no members.
func TestEveryPolicyIgnoresStrangers(t *testing.T) {
	stranger := candidates(t, []float64{1})[0].Endpoint
	forEvery(t, func(t *testing.T, b balancer.Builder) {
		g := newRig(t, b, []float64{5, 3})
		for range 20 {
			e := g.list[0].Endpoint
			assert.Equal(t, 1, g.pick(&balancer.Request{Exclude: []*balancer.Endpoint{stranger, e, nil, e}}))
			g.pick(&balancer.Request{Exclude: []*balancer.Endpoint{stranger, nil}})
		}
	})
}

func TestEveryPolicyWithExtremeCapacities(t *testing.T) {
	forEvery(t, func(t *testing.T, b balancer.Builder) {
		for _, capacities := range [][]float64{
			{1e-300, 1e300},
			{1e-300, 1, 1e300, 1e-300},
			{math.SmallestNonzeroFloat64, math.MaxFloat64, 1},
			{math.MaxFloat64, math.MaxFloat64, math.MaxFloat64},
			{math.SmallestNonzeroFloat64, math.SmallestNonzeroFloat64},
		} {
			g := newRig(t, b, capacities)
			rng := rand.New(rand.NewPCG(1, uint64(len(capacities))))
			steps := make([]byte, 4000)
			for i := range steps {
				steps[i] = byte(rng.Uint32())
			}
			g.run(steps, []balancer.Builder{b})
		}
	})
}

// TestEveryPolicySucceedsEvery lets each policy take over from each, in the middle of work.
func TestEveryPolicySucceedsEvery(t *testing.T) {
	steps := make([]byte, 20_000)
	rng := rand.New(rand.NewPCG(2, 2))
	for i := range steps {
		steps[i] = byte(rng.Uint32())
	}
	for _, capacities := range [][]float64{{3}, {50, 100, 75}, unequal(40)} {
		newRig(t, Capacity(CapacityOptions{}), capacities).run(steps, builders())
	}
	forEvery(t, func(t *testing.T, b balancer.Builder) {
		for _, before := range []balancer.Picker{nil, foreign{}} {
			picker := b.Build(candidates(t, []float64{2, 1}))
			picker.Inherit(before)
			_, ok := picker.Pick(nil)
			assert.True(t, ok)
		}
	})
}

func TestEveryPolicyWithManyEndpoints(t *testing.T) {
	forEvery(t, func(t *testing.T, b balancer.Builder) {
		const n = 10_000
		g := newRig(t, b, unequal(n))
		for range 2 * n {
			g.pick(nil)
		}
		for i := range n {
			g.open(i, i == 4711)
		}
		for range 10 {
			assert.Equal(t, 4711, g.pick(nil))
		}
		g.open(4711, false)
		assert.Equal(t, absent, g.pick(nil))
		for i := range n {
			g.open(i, true)
		}
		g.pick(nil)
	})
}

// FuzzPolicies reads a policy, capacities, and then steps.
func FuzzPolicies(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		capacities, steps := readCapacities(data)
		if len(capacities) == 0 || len(steps) == 0 {
			return
		}
		all := builders()
		newRig(t, all[int(steps[0])%len(all)], capacities).run(steps[1:], all)
	})
}

// TestEveryPolicyInAPool acquires and releases from many goroutines, in a pool whose
// endpoints have few slots and whose policy is replaced all the while.
func TestEveryPolicyInAPool(t *testing.T) {
	const slots, goroutines, each = 3, 8, 400
	all := builders()
	forEvery(t, func(t *testing.T, b balancer.Builder) {
		endpoints := options([]float64{50, 100, 75})
		for i := range endpoints {
			endpoints[i].Slots = slots
		}
		pool := balancer.NewPool("test", balancer.NewLoads())
		require.NoError(t, pool.Apply(balancer.Options{Policy: b}, endpoints))
		served := make([]atomic.Int64, len(endpoints))
		var wg sync.WaitGroup
		for g := range goroutines {
			wg.Go(func() {
				var held []balancer.Lease
				for k := range each {
					pool.Snapshot().Note()
					lease, err := pool.Acquire(nil)
					if err == nil {
						i := slices.IndexFunc(endpoints, func(o balancer.EndpointOptions) bool { return o.Name == lease.Endpoint().Name() })
						served[i].Add(1)
						assert.LessOrEqual(t, lease.Endpoint().Load().InFlight(), int64(slots))
						held = append(held, lease)
					} else {
						assert.ErrorIs(t, err, balancer.ErrFull)
					}
					if len(held) > 2 || err != nil && len(held) > 0 {
						held[0].Release(balancer.Outcome{Class: balancer.Answered})
						held = held[1:]
					}
					if g == 0 && k%20 == 0 {
						next := []balancer.Builder{b, all[k/20%len(all)], b}[k%3]
						assert.NoError(t, pool.Apply(balancer.Options{Policy: next}, endpoints))
					}
				}
				for _, lease := range held {
					lease.Release(balancer.Outcome{Class: balancer.Answered})
				}
			})
		}
		wg.Wait()
		for i, e := range pool.Snapshot().Endpoints {
			assert.Zero(t, e.Endpoint.Load().InFlight())
			assert.Positive(t, served[i].Load(), "requests of endpoint %d", i)
		}
	})
}

func TestNoPolicyAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	forEvery(t, func(t *testing.T, b balancer.Builder) {
		for _, n := range benchmarkSizes {
			pool := newPool(t, b, unequal(n))
			request := balancer.Request{Exclude: []*balancer.Endpoint{pool.Snapshot().Endpoints[n-1].Endpoint}}
			work := func() {
				first, _ := pool.Acquire(nil)
				again, _ := pool.Acquire(&request)
				first.Release(balancer.Outcome{Class: balancer.Answered})
				again.Release(balancer.Outcome{Class: balancer.Answered})
			}
			for range n { // leave the start behind
				work()
			}
			assert.Zero(t, testing.AllocsPerRun(1000, work), fmt.Sprint(n, " endpoints"))
		}
	})
}
