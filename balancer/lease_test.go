package balancer

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLeaseReleasesOnce(t *testing.T) {
	p := newTestPool(t, 1)
	load := at(p, 0).Load()
	lease, err := p.Acquire(nil)
	require.NoError(t, err)
	same := lease
	assert.Equal(t, int64(1), load.InFlight())
	lease.Release(Outcome{Class: Answered})
	same.Release(Outcome{Class: Failed})
	lease.Release(Outcome{Class: Failed})
	assert.Zero(t, load.InFlight())
	assert.Equal(t, uint64(1), load.Finished(Answered))
	assert.Zero(t, load.Finished(Failed), "the first release says how it ended")
	assert.Same(t, at(p, 0), lease.Endpoint(), "also after its release")
}

func TestZeroLease(t *testing.T) {
	var lease Lease
	assert.Nil(t, lease.Endpoint())
	lease.Release(Outcome{})
}

// TestLeaseOfRecycledMemory releases an old lease while a new one uses its memory.
func TestLeaseOfRecycledMemory(t *testing.T) {
	p := newTestPool(t, 1)
	load := at(p, 0).Load()
	for range 10_000 {
		old, err := p.Acquire(nil)
		require.NoError(t, err)
		old.Release(Outcome{})
		young, err := p.Acquire(nil)
		require.NoError(t, err)
		if young.shared != old.shared { // the pool may drop any
			young.Release(Outcome{})
			continue
		}
		old.Release(Outcome{})
		assert.Equal(t, int64(1), load.InFlight(), "the young lease is still out")
		young.Release(Outcome{})
		assert.Zero(t, load.InFlight())
		return
	}
	t.Fatal("no memory was used twice in 10,000 leases")
}

func TestLeaseReleasedFromManyGoroutines(t *testing.T) {
	p := newTestPool(t, 1)
	for range 200 {
		lease, err := p.Acquire(nil)
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { lease.Release(Outcome{Class: Answered}) })
		}
		wg.Wait()
	}
	assert.Zero(t, at(p, 0).Load().InFlight())
	assert.Equal(t, uint64(200), at(p, 0).Load().Finished(Answered))
}

// TestInFlightReturnsToZero runs random histories of acquire, release, double release
// (of leases that others hold too), condition changes and Apply at once. Afterwards every
// server must have nothing in flight and as many endings as it had leases.
func TestInFlightReturnsToZero(t *testing.T) {
	const n, workers, steps = 6, 8, 3000
	p := newTestPool(t, n)
	seen := make([]map[*Load]uint64, workers) // leases by server, for each worker
	shared := make(chan Lease, 64)            // copies that more than one worker releases
	var wg sync.WaitGroup
	for w := range workers {
		seen[w] = map[*Load]uint64{}
		wg.Go(func() { history(p, n, rand.New(rand.NewPCG(uint64(w), 7)), steps, seen[w], shared) })
	}
	wg.Wait()
	close(shared)
	for lease := range shared {
		lease.Release(Outcome{})
	}

	leases := map[*Load]uint64{}
	for _, s := range seen {
		for load, count := range s {
			leases[load] += count
		}
	}
	for load, want := range leases {
		finished := uint64(0)
		for class := range classCount {
			finished += load.Finished(class)
		}
		assert.Equal(t, want, finished)
		assert.Zero(t, load.InFlight())
	}
	require.NoError(t, p.Apply(Options{Policy: turns{"turns"}}, []EndpointOptions{{Name: "last", URL: "http://127.0.0.1:1", Capacity: 1}}))
	assert.Len(t, p.loads.byAddress, 1, "nothing is kept of servers that are gone")
}

// history is what one worker of the test does. What it holds at the end it releases.
func history(p *Pool, n int, rng *rand.Rand, steps int, seen map[*Load]uint64, shared chan Lease) {
	var held []Lease
	for range steps {
		switch op := rng.IntN(100); {
		case op < 50:
			if lease, err := p.Acquire(&Request{Exclude: []*Endpoint{at(p, 0)}[:rng.IntN(2)]}); err == nil {
				seen[lease.Endpoint().Load()]++
				held = append(held, lease)
			}
		case op < 60 && len(held) > 0:
			select {
			case shared <- held[rng.IntN(len(held))]:
			default:
			}
		case op < 70:
			select {
			case lease := <-shared:
				lease.Release(Outcome{Class: ClientGone})
				lease.Release(Outcome{Class: Failed})
			default:
			}
		case op < 95 && len(held) > 0:
			i := rng.IntN(len(held))
			held[i].Release(Outcome{Class: OutcomeClass(rng.IntN(int(classCount)))})
			if rng.IntN(2) == 0 {
				held = append(held[:i], held[i+1:]...) // else it is released again later
			}
		case op < 98:
			_, _ = p.SetCondition(fmt.Sprintf("e%d", rng.IntN(n)), Ejected, rng.IntN(2) == 0, "")
		default:
			_ = p.Apply(Options{Policy: turns{"turns"}}, endpoints(n)[:1+rng.IntN(n)])
		}
	}
	for _, lease := range held {
		lease.Release(Outcome{Class: Answered})
	}
}
