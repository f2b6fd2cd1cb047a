package policy

import (
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// acquire takes so many leases from several goroutines at once, releases them, and
// returns how many each endpoint had.
func acquire(t *testing.T, pool *balancer.Pool, goroutines, each int) []float64 {
	t.Helper()
	had := make([]float64, len(pool.Snapshot().Endpoints))
	var mu sync.Mutex // guards had
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			mine := make([]float64, len(had))
			for range each {
				lease, err := pool.Acquire(nil)
				if !assert.NoError(t, err) {
					return
				}
				i, _ := strconv.Atoi(lease.Endpoint().Name())
				mine[i]++
				lease.Release(balancer.Outcome{Class: balancer.Answered})
			}
			mu.Lock()
			defer mu.Unlock()
			for i := range mine {
				had[i] += mine[i]
			}
		})
	}
	wg.Wait()
	return had
}

// within checks that the endpoints had their shares of all requests give or take one.
func within(t *testing.T, capacities, had []float64) {
	t.Helper()
	sum, total := 0.0, 0.0
	for i := range capacities {
		sum += capacities[i]
		total += had[i]
	}
	for i, c := range capacities {
		require.InDelta(t, total*c/sum, had[i], 1+rounding, "requests of endpoint %d of %v", i, total)
	}
}

func TestCapacityFromManyGoroutines(t *testing.T) {
	for _, name := range []string{"demo", "1:1000", "128 and 10", "real"} {
		t.Run(name, func(t *testing.T) {
			capacities := vectors[name]
			pool := newPool(t, Capacity(CapacityOptions{}), capacities)
			had := make([]float64, len(capacities))
			for range 20 {
				for i, n := range acquire(t, pool, 8, 97) {
					had[i] += n
				}
				within(t, capacities, had)
			}
			for _, e := range pool.Snapshot().Endpoints {
				assert.Zero(t, e.Endpoint.Load().InFlight())
			}
		})
	}
}

// TestCapacityHandsOverBetweenPicks scales all capacities while requests go on. The shares
// stay the same, so a single pick lost or counted twice at a hand-over would add up.
func TestCapacityHandsOverBetweenPicks(t *testing.T) {
	capacities := vectors["8,4,2,1"]
	pool := newPool(t, Capacity(CapacityOptions{}), capacities)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		scaled := options(capacities)
		for factor := 2.0; ; factor = 3 - factor {
			for i := range scaled {
				scaled[i].Capacity = capacities[i] * factor
			}
			if !assert.NoError(t, pool.Apply(balancer.Options{Policy: Capacity(CapacityOptions{})}, scaled)) {
				return
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	had := acquire(t, pool, 4, 10_000)
	close(stop)
	<-stopped
	within(t, capacities, had)
	assert.Greater(t, pool.Snapshot().Version, uint64(2))
}

// TestCapacityFollowsConditions takes an endpoint out and back in: nothing goes there
// meanwhile, and the shares are those of who is in.
func TestCapacityFollowsConditions(t *testing.T) {
	capacities := vectors["demo"]
	pool := newPool(t, Capacity(CapacityOptions{}), capacities)
	within(t, capacities, acquire(t, pool, 1, 10))

	_, err := pool.SetCondition("1", balancer.ProbeFailed, true, "connect: connection refused")
	require.NoError(t, err)
	had := acquire(t, pool, 4, 250)
	assert.InDelta(t, 400, had[0], 2)
	assert.Zero(t, had[1])
	assert.InDelta(t, 600, had[2], 2)

	_, err = pool.SetCondition("1", balancer.ProbeFailed, false, "")
	require.NoError(t, err)
	had = acquire(t, pool, 4, 225)
	assert.InDeltaSlice(t, []float64{200, 400, 300}, had, 2)
}
