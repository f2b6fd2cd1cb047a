package balancer

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sulky is a policy that panics when it is told of something, while sulks is set.
type sulky struct {
	turns
	sulks *atomic.Bool
}

func (b sulky) Build(candidates []Candidate) Picker {
	return &sulkyPicker{turnsPicker{candidates: candidates}, b.sulks}
}

type sulkyPicker struct {
	turnsPicker
	sulks *atomic.Bool
}

func (p *sulkyPicker) Open(i int, open bool) {
	if p.sulks.Load() {
		panic("sulks")
	}
	p.turnsPicker.Open(i, open)
}

func (p *sulkyPicker) Count(int, int64) {
	if p.sulks.Load() {
		panic("sulks")
	}
}

func (p *sulkyPicker) Inherit(Picker) {
	if p.sulks.Load() {
		panic("sulks")
	}
}

// neighbours are two pools over one server, of which the second has a policy that sulks.
func neighbours(t *testing.T, slots int) (good, bad *Pool, sulks *atomic.Bool) {
	t.Helper()
	loads := NewLoads()
	good, bad, sulks = NewPool("good", loads), NewPool("bad", loads), new(atomic.Bool)
	require.NoError(t, good.Apply(queued(testQueue), slotted(1, slots)))
	require.NoError(t, bad.Apply(Options{Policy: sulky{turns{"sulky"}, sulks}, Queue: testQueue}, slotted(1, slots)))
	return good, bad, sulks
}

// TestPolicyThatSulksCostsOneRequest: one of its own pool, and none of another pool that tells it.
func TestPolicyThatSulksCostsOneRequest(t *testing.T) {
	good, bad, sulks := neighbours(t, 2)
	sulks.Store(true)
	lease := acquire(t, good, 0)
	sulks.Store(false)
	require.Panics(t, func() { _, _ = bad.Acquire(nil) })
	acquire(t, bad, 0).Release(Outcome{})
	lease.Release(Outcome{})
	assertIdle(t, good)
	assertIdle(t, bad)
}

// TestPolicyThatSulksHoldsNoSlotBack: a request that waits in another pool gets the slot.
func TestPolicyThatSulksHoldsNoSlotBack(t *testing.T) {
	for turn := range uint32(2) { // whichever is told first
		good, _, sulks := neighbours(t, 1)
		lease, w := acquire(t, good, 0), enqueue(t, good, nil)
		at(good, 0).load.turn.Store(turn)
		sulks.Store(true)
		lease.Release(Outcome{})
		require.True(t, w.Bound())
		wait(t, w).Release(Outcome{})
		assertIdle(t, good)
	}
}

// TestPolicyThatSulksAtARetirement: another pool retires, by which the slots of the server change.
func TestPolicyThatSulksAtARetirement(t *testing.T) {
	good, bad, sulks := neighbours(t, 1)
	endpoints := slotted(1, 2)
	require.NoError(t, bad.Apply(Options{Policy: sulky{turns{"sulky"}, sulks}, Queue: testQueue}, endpoints))
	lease, w := acquire(t, good, 0), enqueue(t, good, nil)
	good.Retire()
	lease.Release(Outcome{})
	sulks.Store(true)
	wait(t, w).Release(Outcome{})
	sulks.Store(false)
	require.Panics(t, func() { _, _ = bad.Acquire(nil) })
	assertIdle(t, bad)
}

// TestPolicyThatSulksEndsNoTimer: a panic in a timer would end the process.
func TestPolicyThatSulksEndsNoTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, sulks := newQueuePool(t, 2, testQueue), new(atomic.Bool)
		require.NoError(t, p.Apply(Options{Policy: sulky{turns{"sulky"}, sulks}, Queue: testQueue}, slotted(2, 1)))
		acquireOnly(t, p, 0).Release(Outcome{Class: ConnectFailed})
		sulks.Store(true)
		time.Sleep(firstPause)
		synctest.Wait()
		sulks.Store(false)
		require.Panics(t, func() { _, _ = p.Acquire(nil) })
		assert.True(t, at(p, 0).Unreachable())
	})
}
