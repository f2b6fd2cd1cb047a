package balancer

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/prefix"
)

// remembered is a pool of one endpoint that a prompt was sent to, and asks how much of it is still known there.
func remembered(t *testing.T) (p *Pool, known func() int64) {
	t.Helper()
	p = newTestPool(t, 1)
	require.NoError(t, p.Apply(followed(queued(QueueOptions{})), endpoints(1)))
	known = func() int64 {
		t.Helper()
		prompt := Prompt{Bytes: 2 * prefix.Block, Blocks: []uint64{1, 2}, BlockBytes: prefix.Block, Streams: true}
		r := &Request{Prompt: prompt}
		lease, err := p.Acquire(r)
		require.NoError(t, err)
		lease.Release(Outcome{Class: Answered})
		return r.Prompt.Cached
	}
	require.Zero(t, known())
	require.EqualValues(t, 2*prefix.Block, known())
	return p, known
}

func TestReloadsForgetNothing(t *testing.T) {
	p, known := remembered(t)
	more := endpoints(2)
	more[0].Capacity, more[0].Via = 7, "elsewhere"
	more[1].Slots = 1
	require.NoError(t, p.Apply(queued(QueueOptions{}), more))
	require.NoError(t, p.Apply(followed(queued(QueueOptions{})), more[:1]))
	assert.NotZero(t, known())
}

// A server that neither requests nor probes can reach is down. One of them alone may be an accident
// of the network, or an engine that is busy.
func TestWhatIsDownHasLostItsCache(t *testing.T) {
	p, known := remembered(t)
	mark := func(on bool) {
		_, err := p.SetCondition(at(p, 0).Name(), ProbeFailed, on, "")
		require.NoError(t, err)
	}
	unreachable := func() {
		lease, err := p.Acquire(&Request{})
		require.NoError(t, err)
		lease.Release(Outcome{Class: ConnectFailed})
		require.True(t, at(p, 0).Unreachable())
	}
	mark(true)
	mark(false)
	assert.NotZero(t, known())
	unreachable()
	assert.NotZero(t, known())
	unreachable()
	mark(true)
	mark(false)
	assert.Zero(t, known())
	assert.NotZero(t, known())
	at(p, 0).Load().Restarted()
	assert.Zero(t, known())
}

// Pools that name one server may say different things of its cache.
func TestCacheIsAsSmallAsAnybodySays(t *testing.T) {
	p, known := remembered(t)
	say := func(tokens int64) {
		one := endpoints(1)
		one[0].CacheTokens = tokens
		require.NoError(t, p.Apply(followed(queued(QueueOptions{})), one))
	}
	say(-1)
	known()
	assert.Zero(t, known())
	other := NewPool("other", p.loads)
	small := endpoints(1)
	small[0].CacheTokens = prefix.Block / 4
	require.NoError(t, other.Apply(followed(queued(QueueOptions{})), small))
	say(1 << 20)
	known()
	assert.EqualValues(t, prefix.Block, known(), "the beginning that fits")
	other.Retire()
	known()
	assert.EqualValues(t, 2*prefix.Block, known())
}
