package balancer

import (
	"math"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/cost"
)

// costly is turns, with a cost to tell of each candidate.
type costly struct{ turns }

func (b costly) Build(candidates []Candidate) Picker {
	return &costlyPicker{turnsPicker{candidates: candidates}}
}

type costlyPicker struct{ turnsPicker }

func (p *costlyPicker) Explain(r *Request, i int, why *Choice) {
	if r.Work < 0 {
		panic("explains nothing")
	}
	why.ByCost, why.Waiting, why.Reading, why.Stalls, why.Writing = true, 1, 2, 3, float64(i)
}

// TestChoices: who asks is told what was known before it was counted, also when it had to wait.
func TestChoices(t *testing.T) {
	p := newQueuePool(t, 2, testQueue)
	why := new(Choice)
	first, err := p.Acquire(&Request{Why: why})
	require.NoError(t, err)
	assert.Equal(t, Choice{Capacity: 100}, *why, "nothing was in flight, and the policy has no cost")
	leases := append(fill(t, p), first)
	*why = Choice{}
	w := enqueue(t, p, &Request{Why: why})
	assert.Zero(t, *why)
	leases[0].Release(Outcome{})
	leases[0] = wait(t, w)
	assert.Equal(t, Choice{Capacity: 100}, *why)
	for _, lease := range leases {
		lease.Release(Outcome{})
	}
	assertIdle(t, p)

	require.NoError(t, p.Apply(Options{Policy: costly{turns{"costly"}}}, endpoints(2)))
	lease, err := p.Acquire(&Request{Why: why})
	require.NoError(t, err)
	next, err := p.Acquire(&Request{Why: why})
	require.NoError(t, err)
	assert.Equal(t, Choice{Capacity: 100, ByCost: true, Waiting: 1, Reading: 2, Stalls: 3, Writing: 1}, *why)
	assert.InDelta(t, 7, why.Cost(), 1e-9)
	lease.Release(Outcome{})
	next.Release(Outcome{})

	lost, err := p.Acquire(&Request{Why: why, Work: -1})
	require.NoError(t, err, "the endpoint was chosen before the policy broke")
	lost.Release(Outcome{})
	assert.Panics(t, func() { _, _ = p.Acquire(nil) }, "that costs one request")
	assertIdle(t, p)
}

// TestForeignRequests: what is said of a server is a number of requests, whatever it was.
func TestForeignRequests(t *testing.T) {
	l := &Load{server: cost.NewServer()}
	l.SetForeign(2.5, 7)
	waiting, running := l.Foreign()
	assert.Equal(t, [2]float64{2.5, 7}, [2]float64{waiting, running})
	for _, odd := range []float64{-1, math.NaN(), math.Inf(1), math.Inf(-1), 0} {
		l.SetForeign(odd, odd)
		waiting, running = l.Foreign()
		assert.Zero(t, waiting+running)
	}
	assert.Zero(t, l.InFlight(), "they hold no slots")
	l.SetCacheTokens(-5)
	assert.Zero(t, l.CacheTokens())
	before := l.Starts()
	l.Restarted()
	assert.NotEqual(t, before, l.Starts())
	assert.Zero(t, unsafe.Sizeof(Load{})%cacheLine, "servers must not share a cache line")
}
