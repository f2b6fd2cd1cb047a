package policy

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/cost"
	"github.com/steelyard-proxy/steelyard/balancer/prefix"
)

// costPool is a pool of equal endpoints under least_cost, whose clock stands still.
func costPool(t testing.TB, capacities []float64, tuning cost.Tuning) (*balancer.Pool, *time.Duration) {
	now := new(time.Duration)
	pool := balancer.NewPool("test", balancer.NewLoads())
	o := balancer.Options{Policy: LeastCost(LeastCostOptions{Seed: 1, Tuning: tuning}), Now: func() time.Duration { return *now }}
	require.NoError(t, pool.Apply(o, options(capacities)))
	return pool, now
}

func streams(bytes int64) *balancer.Request {
	return &balancer.Request{Prompt: balancer.Prompt{Bytes: bytes, Streams: true}}
}

func lease(t testing.TB, pool *balancer.Pool, r *balancer.Request) balancer.Lease {
	l, err := pool.Acquire(r)
	require.NoError(t, err)
	return l
}

// TestLeastCostReadsWhereNobodyIsHeldUp: a prompt goes where none is being answered, though it has to wait there.
func TestLeastCostReadsWhereNobodyIsHeldUp(t *testing.T) {
	pool, now := costPool(t, []float64{1, 1}, cost.Tuning{})
	byEndpoint := map[*balancer.Endpoint][]balancer.Lease{}
	for range 20 { // short prompts, all being answered at one endpoint
		l := lease(t, pool, streams(40))
		l.Token(1)
		byEndpoint[l.Endpoint()] = append(byEndpoint[l.Endpoint()], l)
	}
	assert.Len(t, byEndpoint, 2, "as long as nothing was measured they are shared evenly")
	for range 100 {
		*now += 100 * time.Millisecond
		for _, all := range byEndpoint {
			for _, l := range all {
				l.Token(1)
			}
		}
	}
	reader := pool.Snapshot().Endpoints[0].Endpoint
	for _, l := range byEndpoint[reader] {
		l.Release(balancer.Outcome{Class: balancer.Answered})
	}
	first := lease(t, pool, streams(40_000))
	second := lease(t, pool, streams(40_000))
	assert.Same(t, reader, first.Endpoint())
	assert.Same(t, reader, second.Endpoint(), "a second of waiting costs less than half a second of each of ten others")
	first.Release(balancer.Outcome{Class: balancer.ClientGone})
	second.Release(balancer.Outcome{Class: balancer.Failed})
}

// TestLeastCostDrawsAmongEquals, and is the same in each run of a seed.
func TestLeastCostDrawsAmongEquals(t *testing.T) {
	picks := func(seed uint64) (list []int) {
		p := LeastCost(LeastCostOptions{Seed: seed}).Build(candidates(t, []float64{1, 1, 1, 1}))
		for range 1000 {
			i, ok := p.Pick(nil)
			require.True(t, ok)
			list = append(list, i)
		}
		return list
	}
	counts := make([]int, 4)
	for _, i := range picks(1) {
		counts[i]++
	}
	for _, n := range counts {
		assert.InDelta(t, 250, n, 60)
	}
	assert.Equal(t, picks(1), picks(1))
	assert.NotEqual(t, picks(1), picks(2))
}

func TestLeastCostExplains(t *testing.T) {
	pool, _ := costPool(t, []float64{1}, cost.Tuning{})
	first := lease(t, pool, streams(4000))
	r := streams(4000)
	r.Why = new(balancer.Choice)
	second := lease(t, pool, r)
	assert.True(t, r.Why.ByCost)
	assert.InDelta(t, 0.1025, r.Why.Waiting, 0.01)
	assert.InDelta(t, 0.1025, r.Why.Reading, 1e-9)
	assert.Positive(t, r.Why.Writing)
	assert.Equal(t, int64(1), r.Why.InFlight)
	first.Release(balancer.Outcome{})
	second.Release(balancer.Outcome{})
}

// TestLeastCostLeavesNothing: after a million requests that end in every way at any moment, while slots are few, policies change and two pools
// share the servers, all sums are exactly zero.
func TestLeastCostLeavesNothing(t *testing.T) {
	requests := 1_000_000
	if raceEnabled {
		requests = 30_000
	}
	const goroutines = 8
	loads := balancer.NewLoads()
	least, err := Lookup("least_cost")
	require.NoError(t, err)
	other, err := Lookup("least_load")
	require.NoError(t, err)
	endpoints := options([]float64{50, 100, 75})
	for i := range endpoints {
		endpoints[i].Slots = 6
	}
	queue := balancer.QueueOptions{MaxRequests: 100, MaxWait: time.Minute}
	var pools [2]*balancer.Pool
	for i := range pools {
		pools[i] = balancer.NewPool(fmt.Sprint(i), loads)
		require.NoError(t, pools[i].Apply(balancer.Options{Policy: least, Queue: queue}, endpoints))
	}
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			chance := rand.New(rand.NewPCG(9, uint64(g)))
			for k := range requests / goroutines {
				erratic(pools[chance.IntN(2)], chance)
				if g == 0 && k%1000 == 0 {
					o := balancer.Options{Policy: []balancer.Builder{least, least, other}[k/1000%3], Queue: queue}
					o.Queue.ReadAhead = time.Duration(k / 1000 % 2 * 100 * int(time.Millisecond))
					assert.NoError(t, pools[0].Apply(o, endpoints))
				}
			}
		})
	}
	wg.Wait()
	assert.Zero(t, loads.InFlight())
	for _, e := range pools[0].Snapshot().Endpoints {
		assert.Zero(t, e.Endpoint.Load().Server().State())
	}
}

// erratic is a request that ends in any way.
func erratic(pool *balancer.Pool, chance *rand.Rand) {
	r := streams(int64(chance.IntN(100_000)))
	r.Prompt.Streams = chance.IntN(3) > 0
	if chance.IntN(4) > 0 { // they all begin alike, and no two are equal
		r.Prompt.BlockBytes = prefix.Block
		r.Prompt.Blocks = []uint64{1, 2, chance.Uint64N(1000), chance.Uint64()}[:chance.IntN(5)]
	}
	l, err := pool.Acquire(r)
	if err != nil {
		w, err := pool.Enqueue(r)
		if err != nil {
			return
		}
		if chance.IntN(2) == 0 {
			w.Poke()
		}
		l, err = w.Wait()
		w.Recycle()
		if err != nil {
			return
		}
	}
	outcome := balancer.Outcome{Class: balancer.OutcomeClass(chance.IntN(8)), Status: 200}
	if outcome.Class == balancer.ConnectFailed { // or all endpoints would be out
		outcome.Class = balancer.Answered
	}
	tokens := chance.IntN(5)
	if chance.IntN(8) > 0 {
		for range tokens {
			l.Token(1 + chance.IntN(3))
		}
		l.Release(outcome)
	} else {
		releasedBeside(l, tokens, outcome)
	}
	l.Token(1)
	l.Release(outcome)
}

// releasedBeside releases a lease while its tokens pass.
func releasedBeside(l balancer.Lease, tokens int, outcome balancer.Outcome) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range tokens {
			l.Token(1)
		}
	}()
	l.Release(outcome)
	<-done
}

// turn is a request of a conversation that has so many blocks by now.
func turn(conversation, blocks int) *balancer.Request {
	r := streams(int64(blocks) * prefix.Block)
	r.Prompt.BlockBytes = prefix.Block
	r.Prompt.Blocks = prefix.StandIn(uint64(conversation), r.Prompt.Bytes, nil)
	return r
}

// TestLeastCostKeepsConversationsTogether: whoever has read a conversation gets its next turn, as long as it has not much
// more to do than another that must read it all.
func TestLeastCostKeepsConversationsTogether(t *testing.T) {
	for _, n := range []int{4, 100} {
		pool, now := costPool(t, alike(n), cost.Tuned)
		said := func(conversation, blocks int) *balancer.Endpoint {
			l := lease(t, pool, turn(conversation, blocks))
			*now += time.Second
			l.Token(1)
			l.Release(balancer.Outcome{Class: balancer.Answered})
			return l.Endpoint()
		}
		first := map[int]*balancer.Endpoint{}
		for c := range 2 * n {
			first[c] = said(c, 10)
		}
		for c := range 2 * n {
			for blocks := 11; blocks < 20; blocks += 3 {
				require.True(t, first[c] == said(c, blocks), "%d endpoints", n)
			}
		}
		var there []balancer.Lease
		for len(there) < 100 && (len(there) == 0 || there[len(there)-1].Endpoint() == first[0]) {
			there = append(there, lease(t, pool, turn(0, 19+len(there))))
		}
		require.Greater(t, len(there), 1, "one that waits is no reason to read it all elsewhere")
		require.Less(t, len(there), 100, "many are")
		for _, l := range there {
			l.Release(balancer.Outcome{})
		}
	}
}

func alike(n int) (capacities []float64) {
	for range n {
		capacities = append(capacities, 100)
	}
	return capacities
}

func TestLeastCostAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, n := range []int{4, 100} {
		pool, _ := costPool(t, alike(n), cost.Tuned)
		r := turn(1, 48)
		once := func() {
			l, err := pool.Acquire(r)
			if err != nil {
				t.Fatal(err)
			}
			l.Token(1)
			l.Release(balancer.Outcome{Class: balancer.Answered})
		}
		for range 50 * n { // until the memory of each is taken
			once()
			r = turn(1+len(r.Prompt.Blocks), 48)
		}
		require.Zero(t, testing.AllocsPerRun(100, once), "%d endpoints", n)
	}
}

// BenchmarkLeastCost is one request with a prompt of 48 blocks, half of which some endpoints have read.
func BenchmarkLeastCost(b *testing.B) {
	for _, n := range []int{4, 64, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			pool, _ := costPool(b, alike(n), cost.Tuned)
			r := turn(1, 48)
			b.ReportAllocs()
			for b.Loop() {
				l, err := pool.Acquire(r)
				if err != nil {
					b.Fatal(err)
				}
				l.Token(1)
				l.Release(balancer.Outcome{Class: balancer.Answered})
			}
		})
	}
}
