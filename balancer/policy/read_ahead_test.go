package policy

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// reader is a pool under least_cost in which requests wait while endpoints have more than 100 ms to read.
type reader struct {
	testing.TB
	*balancer.Pool
	now time.Duration
}

func newReader(t testing.TB, order balancer.Order, capacities ...float64) *reader {
	p := &reader{TB: t, Pool: balancer.NewPool("test", balancer.NewLoads())}
	queue := balancer.QueueOptions{Order: order, MaxRequests: 1000, MaxWait: 20 * time.Second, ReadAhead: 100 * time.Millisecond}
	o := balancer.Options{Policy: LeastCost(LeastCostOptions{Seed: 1}), Queue: queue, Now: func() time.Duration { return p.now }}
	require.NoError(t, p.Apply(o, options(capacities)))
	return p
}

// waits sends a request of so many tokens, which must wait.
func (p *reader) waits(tokens int64) *balancer.Waiter {
	p.Helper()
	r := streams(4 * tokens)
	_, err := p.Acquire(r)
	require.ErrorIs(p, err, balancer.ErrFull)
	w, err := p.Enqueue(r)
	require.NoError(p, err)
	require.False(p, w.Bound())
	return w
}

// served is the lease of one that no longer waits.
func (p *reader) served(w *balancer.Waiter) balancer.Lease {
	p.Helper()
	require.True(p, w.Bound())
	l, err := w.Wait()
	require.NoError(p, err)
	return l
}

func (p *reader) rests() {
	p.Helper()
	assert.Zero(p, p.Queue().Waiting)
	for _, e := range p.Snapshot().Endpoints {
		assert.Zero(p, e.Endpoint.Load().Server().State())
		assert.Zero(p, e.Endpoint.Load().InFlight())
	}
}

var answered = balancer.Outcome{Class: balancer.Answered, Status: 200}

// Whoever waits is sent when the prompt before has been read: by its first token, or by its end.
func TestReadAheadWaitsUntilThePromptIsRead(t *testing.T) {
	p := newReader(t, balancer.FIFO, 1)
	first := lease(t, p.Pool, streams(40_000))
	second, third := p.waits(10_000), p.waits(10_000)
	first.Token(1)
	read := p.served(second)
	assert.False(t, third.Bound(), "the second is being read")
	read.Release(balancer.Outcome{Class: balancer.ClientGone})
	p.served(third).Release(answered)
	first.Release(answered)
	p.rests()
}

// It is also sent once so little of that prompt is left that the engine would have to wait for the next.
func TestReadAheadKeepsTheEngineBusy(t *testing.T) {
	p := newReader(t, balancer.FIFO, 1)
	first := lease(t, p.Pool, streams(4*1600)) // 166 ms by what is expected at first
	second := p.waits(10_000)
	until := p.Queue().HeldUntil
	require.InDelta(t, 66*time.Millisecond, until, float64(2*time.Millisecond))
	p.now = until - time.Millisecond
	p.Recheck()
	require.False(t, second.Bound())
	p.now = until
	p.Recheck()
	p.served(second).Release(answered)
	first.Release(answered)
	p.rests()
}

func TestReadAheadGoesByTheOrder(t *testing.T) {
	for _, order := range []balancer.Order{balancer.FIFO, balancer.ShortestFirst} {
		p := newReader(t, order, 1)
		reading := lease(t, p.Pool, streams(400_000))
		long, short := p.waits(30_000), p.waits(20_000)
		p.now = 10*time.Second + 1 // half of MaxWait
		last := p.waits(10_000)
		for _, w := range []*balancer.Waiter{long, short, last} { // the first two have aged
			reading.Token(1)
			next := p.served(w)
			reading.Release(answered)
			reading = next
		}
		long, short = p.waits(30_000), p.waits(20_000)
		if order == balancer.ShortestFirst {
			long, short = short, long
		}
		reading.Token(1)
		next := p.served(long)
		next.Token(1)
		p.served(short).Release(answered)
		next.Release(answered)
		reading.Release(answered)
		p.rests()
	}
}

// An endpoint for which nobody waits takes one that gains by it.
func TestReadAheadLetsNoEndpointIdle(t *testing.T) {
	p := newReader(t, balancer.FIFO, 1, 1)
	first, second := lease(t, p.Pool, streams(400_000)), lease(t, p.Pool, streams(40_000))
	require.NotSame(t, first.Endpoint(), second.Endpoint())
	var all []*balancer.Waiter
	for range 30 {
		all = append(all, p.waits(10_000))
	}
	for len(all) > 0 { // though the first is never read
		second.Release(answered)
		i := slices.IndexFunc(all, (*balancer.Waiter).Bound)
		require.GreaterOrEqual(t, i, 0, "%d wait for the other", len(all))
		second = p.served(all[i])
		all = slices.Delete(all, i, i+1)
	}
	second.Release(answered)
	first.Release(answered)
	p.rests()
}

// A full queue lets requests through, and who leaves leaves nothing behind.
func TestReadAheadEnds(t *testing.T) {
	p := newReader(t, balancer.FIFO, 1)
	first := lease(t, p.Pool, streams(400_000))
	w := p.waits(10_000)
	w.Poke()
	_, err := w.Wait()
	require.ErrorIs(t, err, balancer.ErrPoked)
	for range 1000 {
		all := p.waits(1)
		defer func() {
			all.Poke()
			_, _ = all.Wait()
		}()
	}
	through := lease(t, p.Pool, streams(400_000))
	through.Release(answered)
	first.Release(answered)
}

// TestReadAheadForgetsNobody: whatever happens, whoever waits is served in the end, and nobody waits while nothing is being read.
func TestReadAheadForgetsNobody(t *testing.T) {
	for seed := range uint64(30) {
		chance := rand.New(rand.NewPCG(seed, 3))
		p := newReader(t, balancer.Order(seed%2), unequal(1+int(seed)%3)...)
		var leases []balancer.Lease
		var waiting []*balancer.Waiter
		collect := func() {
			still := waiting[:0]
			for _, w := range waiting {
				if w.Bound() {
					leases = append(leases, p.served(w))
				} else {
					still = append(still, w)
				}
			}
			waiting = still
		}
		for range 600 {
			p.now += time.Duration(chance.IntN(50)) * time.Millisecond
			if until := p.Queue().HeldUntil; until != 0 && until <= p.now {
				p.Recheck()
			}
			switch k := chance.IntN(len(leases) + 1); {
			case chance.IntN(2) == 0:
				r := streams(int64(chance.IntN(40_000)))
				r.Prompt.Streams = chance.IntN(4) > 0
				if l, err := p.Acquire(r); err == nil {
					leases = append(leases, l)
				} else if w, err := p.Enqueue(r); assert.NoError(t, err) {
					waiting = append(waiting, w)
				}
			case k == len(leases):
				if n := len(waiting); n > 0 {
					waiting[n-1].Poke()
					_, _ = waiting[n-1].Wait()
					waiting = waiting[:n-1]
				}
			case chance.IntN(2) == 0:
				leases[k].Token(1)
			default:
				leases[k].Release(answered)
				leases[k] = leases[len(leases)-1]
				leases = leases[:len(leases)-1]
			}
			collect()
			reading := 0
			for _, e := range p.Snapshot().Endpoints {
				reading += e.Endpoint.Load().Server().State().Reading
			}
			if reading == 0 {
				require.Empty(t, waiting)
			}
		}
		for len(leases) > 0 {
			leases[0].Release(answered)
			leases = leases[1:]
			collect()
		}
		p.rests()
	}
}

// In a pool that was retired those who come late are told as well.
func TestReadAheadInARetiredPool(t *testing.T) {
	p := newReader(t, balancer.FIFO, 1)
	first := lease(t, p.Pool, streams(400_000))
	p.Retire()
	w := p.waits(10_000)
	first.Token(1)
	p.served(w).Release(answered)
	first.Release(answered)
	p.rests()
}

// An endpoint whose slots are taken holds nobody while another is ready.
func TestReadAheadWaitsForNoFullEndpoint(t *testing.T) {
	p := newReader(t, balancer.FIFO, 1, 1000)
	first := lease(t, p.Pool, streams(400_000))
	fast := first.Endpoint()
	slow := lease(t, p.Pool, &balancer.Request{Exclude: []*balancer.Endpoint{fast}, Prompt: balancer.Prompt{Bytes: 400_000, Streams: true}})
	w := p.waits(10_000) // for the fast one
	endpoints := options([]float64{1, 1000})
	for i := range endpoints {
		endpoints[i].Slots = 1
	}
	o := balancer.Options{Policy: LeastCost(LeastCostOptions{Seed: 1}), Queue: balancer.QueueOptions{MaxRequests: 1000, MaxWait: time.Minute, ReadAhead: 100 * time.Millisecond}}
	require.NoError(t, p.Apply(o, endpoints))
	require.False(t, w.Bound())
	slow.Release(answered)
	last := p.served(w)
	assert.NotSame(t, fast, last.Endpoint())
	last.Release(answered)
	first.Release(answered)
	p.rests()
}
