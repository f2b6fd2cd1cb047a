package sim

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// accounted checks that every request was served, refused or timed out.
func accounted(t *testing.T, r Results) (served int) {
	t.Helper()
	for i, e := range r.Served {
		if e == None {
			if r.Response[i] != Unserved || r.Wait[i] != Unserved {
				t.Fatalf("request %d was not served, and has times %v and %v", i, r.Wait[i], r.Response[i])
			}
			continue
		}
		served++
		if r.Response[i] < r.Wait[i] {
			t.Fatalf("request %d waited %v of %v", i, r.Wait[i], r.Response[i])
		}
	}
	assert.Equal(t, len(r.Served), served+r.Full+r.TimedOut)
	return served
}

func TestMaxWaitInVirtualTime(t *testing.T) {
	made := asked(t, trace.Options{Seed: 1, Requests: 20_000, Rate: 400, Work: trace.Heavy, Hints: trace.Hints{Noise: 0.7}})
	for _, order := range []balancer.Order{balancer.FIFO, balancer.ShortestFirst} {
		for _, balancers := range []int{1, 3} {
			const limit = 200 * time.Millisecond
			start := time.Now()
			got := ran(t, Options{
				Endpoints: trio(1), Policy: policy.LeastLoad(), Work: hinted, Balancers: balancers,
				Queue: balancer.QueueOptions{Order: order, MaxRequests: 1000, MaxWait: limit},
			}, made)
			t.Logf("%s, %d balancers: %d timed out, %v of real time", order, balancers, got.TimedOut, time.Since(start))
			served := accounted(t, got)
			assert.Positive(t, got.TimedOut)
			assert.Greater(t, served, 7000, "the endpoints can do half of it")
			assert.LessOrEqual(t, slices.Max(got.Wait), limit)
		}
	}
}

func TestNoRoomInTheQueue(t *testing.T) {
	made := asked(t, trace.Options{Seed: 1, Requests: 10_000, Rate: 400})
	got := ran(t, Options{
		Endpoints: trio(1), Policy: policy.LeastLoad(),
		Queue: balancer.QueueOptions{MaxRequests: 5, MaxWait: time.Hour},
	}, made)
	accounted(t, got)
	assert.Positive(t, got.Full)
	assert.Zero(t, got.TimedOut)
	for _, s := range lookedAt(made, got) {
		assert.LessOrEqual(t, s.waiting, 5)
		assert.LessOrEqual(t, s.inFlight, 3)
	}

	none := ran(t, Options{Endpoints: trio(1), Policy: policy.LeastLoad()}, made)
	accounted(t, none)
	assert.Positive(t, none.Full, "without a queue, what finds no slot is refused")
}

// TestTheAgeingBound: with the shortest first a request that has waited for half of
// max_wait goes before all that came after it. So it waits no longer than that and the
// time to serve those that were there before it.
func TestTheAgeingBound(t *testing.T) {
	made := asked(t, trace.Options{Seed: 3, Requests: 50_000, Rate: 215, Work: trace.Heavy})
	run := func(maxWait time.Duration) (longest time.Duration, mean float64) {
		got := ran(t, Options{
			Endpoints: trio(1), Policy: policy.LeastLoad(), Work: hinted,
			Queue: balancer.QueueOptions{Order: balancer.ShortestFirst, MaxRequests: 10_000, MaxWait: maxWait},
		}, made)
		assert.Zero(t, got.Full)
		return slices.Max(got.Wait), ms(got)
	}
	never, mean := run(24 * time.Hour)
	aged, agedMean := run(10 * time.Second)
	t.Logf("without ageing the longest wait is %v (mean %.0f ms), with 5 s %v (mean %.0f ms)", never, mean, aged, agedMean)
	assert.Less(t, aged, never/2)
	assert.Greater(t, aged, 5*time.Second, "some must have aged, or this shows nothing")
}

// TestHintsThatSayNothing cost next to nothing against first come, first served: the
// order is then any other, and the mean does not depend on it.
func TestHintsThatSayNothing(t *testing.T) {
	for _, rate := range []float64{150, 190} {
		var fifo, random float64
		const seeds = 4
		for seed := range uint64(seeds) {
			made := asked(t, trace.Options{Seed: seed, Requests: 50_000, Rate: rate, Work: trace.Heavy, Hints: trace.Hints{Random: true}})
			fifo += ms(ran(t, Options{Endpoints: trio(1), Policy: policy.LeastLoad(), Queue: endless(balancer.FIFO)}, made)) / seeds
			random += ms(ran(t, Options{Endpoints: trio(1), Policy: policy.LeastLoad(), Queue: endless(balancer.ShortestFirst), Work: hinted}, made)) / seeds
		}
		t.Logf("T = %v: first come %.1f ms, by hints that say nothing %.1f ms", rate, fifo, random)
		assert.InEpsilon(t, fifo, random, 0.02)
	}
}
