package balancer

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/cost"
)

// follower is a policy that wants to know all there is.
type follower struct{ Builder }

func (follower) Wants() Wants { return Wants{Prompts: true, Tokens: true} }
func (follower) Name() string { return "follower" }

func followed(o Options) Options {
	o.Policy = follower{o.Policy}
	return o
}

func TestLeasesTellServersWhatPasses(t *testing.T) {
	p := newTestPool(t, 1)
	assert.Zero(t, p.Wants())
	unseen, err := p.Acquire(&Request{Prompt: Prompt{Bytes: 4000}})
	require.NoError(t, err)
	assert.False(t, unseen.Follows())
	unseen.Token(1)
	unseen.Blocked(1)

	require.NoError(t, p.Apply(followed(queued(QueueOptions{})), endpoints(1)))
	assert.Equal(t, Wants{Prompts: true, Tokens: true}, p.Wants())
	server := at(p, 0).Load().Server()
	assert.Zero(t, server.State(), "a lease from before is in nobody's sums")
	lease, err := p.Acquire(&Request{Prompt: Prompt{Bytes: 4000, Streams: true}})
	require.NoError(t, err)
	assert.True(t, lease.Follows())
	assert.Equal(t, cost.State{Reading: 1, Work: 1025, Context: 1000}, server.State())
	lease.Token(1)
	lease.Token(3)
	assert.Equal(t, cost.State{Writing: 1, Context: 1004}, server.State())

	require.NoError(t, p.Apply(queued(QueueOptions{}), endpoints(1)))
	unseen.Release(Outcome{Class: Answered})
	lease.Release(Outcome{Class: ClientGone})
	assert.Zero(t, server.State())
	lease.Token(1)
	lease.Blocked(1)
	lease.Release(Outcome{Class: Answered})
	assert.Zero(t, server.State())
}

// A request that waited is counted from when it is bound; one that left in that very moment is not.
func TestWaitersAreCountedOnceBound(t *testing.T) {
	p := newQueuePool(t, 1, testQueue)
	require.NoError(t, p.Apply(followed(queued(testQueue)), slotted(1, 1)))
	server := at(p, 0).Load().Server()
	first := fill(t, p)[0]
	assert.Equal(t, 1, server.State().Reading)
	prompt := Prompt{Bytes: 8000, Streams: true}
	stays, leaves := enqueue(t, p, &Request{Prompt: prompt}), enqueue(t, p, &Request{Prompt: prompt})
	assert.Equal(t, int64(1), server.State().Context, "who waits is nowhere")
	first.Release(Outcome{})
	assert.Equal(t, int64(2000), server.State().Context)
	lease := wait(t, stays)
	lease.Release(Outcome{})
	assert.Equal(t, int64(2000), server.State().Context)
	leaves.Poke()
	assert.Zero(t, server.State())
}
