package sim

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// slowed is the law of an engine whose prompts share one reader, and whose step of decoding
// takes a quarter longer for each stream beside the first.
func slowed(reading, decoding int) (prompt, decode float64) {
	return 1 / float64(max(1, reading)), 1 / (1 + 0.25*float64(max(0, decoding-1)))
}

// prompt makes prompts of a token for each byte, which engines read in a millisecond.
func prompt(r trace.Request) int { return r.PromptBytes }

// TestABatchByHand: two slots, which decode a unit of work in a second alone and in 1.25 s
// together. Both prompts are read at half the speed until 200 ms, when the first of them is
// through; it decodes alone while the second is read, until 300 ms, and 0.1 units are done.
// The two decode together until the first ends, after another 0.9·1.25 s. Then the third,
// which has no prompt, decodes beside the second's last 0.1 units, and alone from then on.
func TestABatchByHand(t *testing.T) {
	endpoints := []Endpoint{{Engine: engine.Options{Capacity: 1.6, Slots: 2, Prefill: 1000, Slowing: 0.25}}}
	made := trace.Trace{Requests: []trace.Request{{Work: 1, PromptBytes: 100}, {Work: 1, PromptBytes: 200}, {Work: 1}}}
	want := []time.Duration{1425 * time.Millisecond, 1550 * time.Millisecond, 2450 * time.Millisecond}
	assert.Equal(t, want, ran(t, Options{Endpoints: endpoints, Prompt: prompt, Policy: policy.LeastLoad()}, made).Response)
	assert.Equal(t, want, ideal(t, endpoints, made, balancer.FIFO).Response)

	// At 300 ms it becomes half as fast, reading and decoding: what was left takes twice as long.
	for i := range want {
		want[i] += want[i] - 300*time.Millisecond
	}
	changes := []Change{{At: 300 * time.Millisecond, Capacity: 0.8}}
	assert.Equal(t, want, ran(t, Options{Endpoints: endpoints, Prompt: prompt, Policy: policy.LeastLoad(), Changes: changes}, made).Response)
}

// TestABatchAgainstSmallSteps holds the engine to one that moves every request by itself,
// 200 µs at a time. Each event may be late by that, and the next begin later for it.
func TestABatchAgainstSmallSteps(t *testing.T) {
	const step, count, slots = 200 * time.Microsecond, 300, 3
	chance, requests, at := rand.New(rand.NewPCG(1, 5)), make([]trace.Request, count), 0.0
	for i := range requests {
		at += chance.ExpFloat64() / 1.2
		requests[i] = trace.Request{At: time.Duration(at * second), Work: chance.ExpFloat64(), PromptBytes: chance.IntN(3) * chance.IntN(400)}
	}
	made := trace.Trace{Requests: requests}
	endpoint := Endpoint{Engine: engine.Options{Capacity: 2, Slots: slots, Prefill: 1000, Slowing: 0.25}}
	changes := []Change{{At: 60 * time.Second, Capacity: 1}, {At: 120 * time.Second, Capacity: 3}}
	got := ran(t, Options{Endpoints: []Endpoint{endpoint}, Prompt: prompt, Policy: policy.LeastLoad(), Changes: changes}, made)

	left, work, ends := make([]float64, count), make([]float64, count), make([]time.Duration, count)
	for i, r := range requests {
		left[i], work[i] = float64(r.PromptBytes)/1000, r.Work
	}
	_, full := slowed(0, slots)
	next, serving := 0, []int(nil)
	for now := time.Duration(0); next < count || len(serving) > 0; now += step {
		for next < count && len(serving) < slots && requests[next].At <= now {
			serving = append(serving, next)
			next++
		}
		reading := 0
		for _, i := range serving {
			if left[i] > 0 {
				reading++
			}
		}
		capacity := endpoint.Engine.Capacity
		for _, c := range changes {
			if c.At <= now {
				capacity = c.Capacity
			}
		}
		read, decode := slowed(reading, len(serving)-reading)
		var on []int
		for _, i := range serving {
			if left[i] > 0 {
				left[i] -= step.Seconds() * read * capacity / endpoint.Engine.Capacity
			} else {
				work[i] -= step.Seconds() * decode * capacity / (slots * full)
			}
			if ends[i] = now + step; work[i] > 0 {
				on = append(on, i)
			}
		}
		serving = on
	}
	waited := 0
	for i, r := range requests {
		require.InDelta(t, (ends[i] - r.At).Seconds(), got.Response[i].Seconds(), 0.05, "request %d", i)
		if ends[i]-r.At > 5*time.Second {
			waited++
		}
	}
	assert.Positive(t, waited, "some must have waited for long, or this shows little")
}

// TestALoneRequestIsNotSlowed: with one request at a time, what it takes is its prompt and
// its answer, each by itself.
func TestALoneRequestIsNotSlowed(t *testing.T) {
	endpoint := Endpoint{Engine: engine.Options{Capacity: 4 / 1.75, Slots: 4, Prefill: 1000, Slowing: 0.25}} // a unit a second alone
	made := trace.Trace{Requests: []trace.Request{{Work: 2, PromptBytes: 300}, {At: time.Hour, Work: 0.5}}}
	got := ran(t, Options{Endpoints: []Endpoint{endpoint}, Prompt: prompt, Policy: policy.LeastLoad()}, made)
	assert.Equal(t, []time.Duration{2300 * time.Millisecond, 500 * time.Millisecond}, got.Response)
}
