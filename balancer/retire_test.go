package balancer

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRetiredPoolsLeaveNothing behind, though a thousand come and go.
func TestRetiredPoolsLeaveNothing(t *testing.T) {
	loads := NewLoads()
	stays := NewPool("stays", loads)
	require.NoError(t, stays.Apply(queued(testQueue), slotted(1, 1)))
	for range 1000 {
		p := NewPool("chat", loads)
		require.NoError(t, p.Apply(queued(testQueue), slotted(2, 1)))
		p.Retire()
		p.Retire()
	}
	load := at(stays, 0).Load()
	assert.Len(t, *load.watchers.Load(), 1)
	assert.Len(t, load.holders, 1)
	assert.Len(t, loads.byAddress, 1)
}

// TestRetiredPoolServesWhoWaits, and those who come late.
func TestRetiredPoolServesWhoWaits(t *testing.T) {
	loads := NewLoads()
	old, young := NewPool("old", loads), NewPool("young", loads)
	require.NoError(t, old.Apply(queued(testQueue), slotted(1, 1)))
	require.NoError(t, young.Apply(queued(testQueue), slotted(1, 1)))
	load := at(young, 0).Load()
	lease, w := fill(t, old)[0], enqueue(t, old, nil)
	old.Retire()
	assert.Len(t, *load.watchers.Load(), 2, "somebody waits")
	_, err := old.SetCondition("e0", Draining, true, "")
	require.NoError(t, err)
	assert.ErrorIs(t, old.Apply(queued(testQueue), slotted(2, 1)), ErrRetired)

	lease.Release(Outcome{})
	lease = wait(t, w)
	assert.Len(t, *load.watchers.Load(), 1)
	_, err = old.Acquire(nil)
	assert.ErrorIs(t, err, ErrFull)
	late := enqueue(t, old, nil)
	lease.Release(Outcome{})
	wait(t, late).Release(Outcome{})
	lease, err = old.Acquire(nil)
	require.NoError(t, err, "the one who has no more been told finds out")
	assert.Equal(t, int64(1), load.InFlight())
	lease.Release(Outcome{})

	assert.Len(t, *load.watchers.Load(), 1)
	assert.Len(t, load.holders, 1)
	assertIdle(t, young)
}

// TestLateRequestTakesNoSlotOfOneWhoWaits in a retired pool that has not heard of the release yet.
func TestLateRequestTakesNoSlotOfOneWhoWaits(t *testing.T) {
	p := newQueuePool(t, 2, testQueue)
	leases, w := fill(t, p), enqueue(t, p, nil)
	p.Retire()
	for _, lease := range leases {
		lease.endpoint.load.finish(Answered)
	}
	_, err := p.Acquire(nil)
	assert.ErrorIs(t, err, ErrFull, "it is not known yet")
	for _, lease := range leases {
		lease.endpoint.load.tell(nil)
	}
	require.True(t, w.Bound())
	wait(t, w).Release(Outcome{})
	assert.Zero(t, at(p, 0).Load().InFlight()+at(p, 1).Load().InFlight())
}
