package balancer

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// newSharingPools are pools of one endpoint each, all of them the same server of so many
// slots.
func newSharingPools(t *testing.T, n, slots int) (pools []*Pool) {
	t.Helper()
	loads := NewLoads()
	for range n {
		p := NewPool("chat", loads)
		require.NoError(t, p.Apply(queued(testQueue), slotted(1, slots)))
		pools = append(pools, p)
	}
	return pools
}

func TestSharedSlots(t *testing.T) {
	pools := newSharingPools(t, 2, 3)
	a, b := pools[0], pools[1]
	lease, err := a.Acquire(nil)
	require.NoError(t, err)
	leases := fill(t, b)
	require.Len(t, leases, 2)
	_, err = a.Acquire(nil)
	assert.ErrorIs(t, err, ErrFull, "the other pool has taken the rest")

	w := enqueue(t, b, nil)
	lease.Release(Outcome{})
	next := wait(t, w)
	_, err = a.Acquire(nil)
	assert.ErrorIs(t, err, ErrFull, "the pool that freed the slot knows that another has it")
	for _, lease := range append(leases, next) {
		lease.Release(Outcome{})
	}
	assertIdle(t, a)
	assertIdle(t, b)
}

// TestPoolsThatShareAServerEachGetTheirPart: a pool in which always somebody waits must not keep
// the others from the server.
func TestPoolsThatShareAServerEachGetTheirPart(t *testing.T) {
	const pools, rounds = 3, 300
	all := newSharingPools(t, pools, 1)
	lease := fill(t, all[0])[0]
	waiters := make([]*Waiter, pools)
	for i, p := range all {
		waiters[i] = enqueue(t, p, nil)
	}
	var had [pools]int
	for range rounds {
		lease.Release(Outcome{})
		bound := 0
		for i, w := range waiters {
			if w.Bound() {
				lease = wait(t, w)
				waiters[i] = enqueue(t, all[i], nil)
				had[i]++
				bound++
			}
		}
		require.Equal(t, 1, bound)
	}
	assert.Equal(t, [pools]int{rounds / pools, rounds / pools, rounds / pools}, had)
}

// TestPoolsKnowWhatOthersDo: whatever a pool does to a shared server, the policies of all
// have been told when it has returned.
func TestPoolsKnowWhatOthersDo(t *testing.T) {
	loads := NewLoads()
	var pools []*Pool
	for range 3 {
		p := NewPool("chat", loads)
		require.NoError(t, p.Apply(Options{Policy: counts{turns{"counts"}}, Queue: testQueue}, slotted(1, 2)))
		pools = append(pools, p)
	}
	assertKnown := func(want int64) {
		t.Helper()
		assert.Equal(t, want, at(pools[0], 0).Load().InFlight())
		for i, p := range pools {
			assert.Equal(t, want, p.Snapshot().seats.guard.picker.(*countsPicker).inFlight, "pool %d", i)
		}
	}
	leases := fill(t, pools[0])
	assertKnown(2)
	leases[0].Release(Outcome{})
	assertKnown(1)
	w := enqueue(t, pools[1], nil)
	assertKnown(2)
	for range 6 { // whichever pool is told first of the release
		next := enqueue(t, pools[2], nil)
		wait(t, w).Release(Outcome{})
		assertKnown(2)
		w = next
	}
	w.Poke()
	assertKnown(1)
	others := enqueueMany(t, pools[1], 3)
	for i, p := range pools {
		assertKnown(2)
		require.NoError(t, p.Apply(Options{Policy: counts{turns{"counts"}}, Queue: testQueue}, slotted(1, 4+i)))
	}
	assertKnown(4)
	leases[1].Release(Outcome{})
	assertKnown(3)
	for _, w := range others {
		wait(t, w).Release(Outcome{})
	}
	assertKnown(0)
}

// TestTheLeastSlotsCount where pools say different numbers of one server.
func TestTheLeastSlotsCount(t *testing.T) {
	pools := newSharingPools(t, 2, 2)
	a, b := pools[0], pools[1]
	assertSlots := func(want int) {
		t.Helper()
		for _, p := range pools {
			assert.Equal(t, want, p.Snapshot().Endpoints[0].Slots, p.Name())
		}
		leases := fill(t, a)
		assert.Len(t, leases, want)
		_, err := b.Acquire(nil)
		assert.ErrorIs(t, err, ErrFull)
		for _, lease := range leases {
			lease.Release(Outcome{})
		}
	}
	apply := func(p *Pool, slots int) { require.NoError(t, p.Apply(queued(testQueue), slotted(1, slots))) }
	assertSlots(2)
	apply(a, 5)
	assertSlots(2)
	apply(b, 0)
	assertSlots(5)
	apply(b, 3)
	assertSlots(3)
	leases := fill(t, a)
	w := enqueue(t, a, nil)
	b.Retire()
	assert.True(t, w.Bound(), "what limited the server is gone")
	assert.Equal(t, 5, a.Snapshot().Endpoints[0].Slots)
	wait(t, w).Release(Outcome{})
	for _, lease := range leases {
		lease.Release(Outcome{})
	}
	assertIdle(t, a)

	c := NewPool("tight", a.loads)
	apply(c, 1)
	assert.Equal(t, 1, a.Snapshot().Endpoints[0].Slots)
	moved := []EndpointOptions{{Name: "e0", URL: "http://elsewhere:1", Capacity: 1, Slots: 1}}
	require.NoError(t, c.Apply(queued(testQueue), moved))
	assert.Equal(t, 5, a.Snapshot().Endpoints[0].Slots, "it is no longer named by the other")
}

// counts is a policy that remembers what it was told is in flight at its only candidate.
type counts struct{ turns }

func (counts) Build(candidates []Candidate) Picker {
	return &countsPicker{turnsPicker: turnsPicker{candidates: candidates}}
}

type countsPicker struct {
	turnsPicker
	inFlight int64
}

func (p *countsPicker) Count(_ int, inFlight int64) { p.inFlight = inFlight }

// TestPokedSlotGoesToAnotherPool when nobody else waits in this one.
func TestPokedSlotGoesToAnotherPool(t *testing.T) {
	pools := newSharingPools(t, 2, 1)
	lease := fill(t, pools[0])[0]
	a, b := enqueue(t, pools[0], nil), enqueue(t, pools[1], nil)
	lease.Release(Outcome{})
	if b.Bound() {
		a, b = b, a
	}
	require.True(t, a.Bound())
	a.Poke()
	_, err := a.Wait()
	assert.ErrorIs(t, err, ErrPoked)
	wait(t, b).Release(Outcome{})
	assertIdle(t, pools[0])
	assertIdle(t, pools[1])
}

// TestSeatTakenByAnotherPool: a pool that has not yet heard that the last slot is gone
// closes the seat when it finds out, and asks the policy for another.
func TestSeatTakenByAnotherPool(t *testing.T) {
	p := newQueuePool(t, 2, testQueue)
	load := at(p, 0).Load()
	load.add() // by a pool that has told nobody yet
	lease, err := p.Acquire(nil)
	require.NoError(t, err)
	assert.Same(t, at(p, 1), lease.Endpoint())
	_, err = p.Acquire(nil)
	assert.ErrorIs(t, err, ErrFull)
	w := enqueue(t, p, nil)
	load.finish(Answered)
	assert.False(t, w.Bound())
	load.tell(nil)
	assert.Same(t, at(p, 0), wait(t, w).Endpoint())
}

// TestPolicyThatPicksClosedIsStopped: otherwise it would be asked for ever, under the lock.
func TestPolicyThatPicksClosedIsStopped(t *testing.T) {
	p := NewPool("chat", NewLoads())
	require.NoError(t, p.Apply(Options{Policy: deaf{turns{"deaf"}}, Queue: testQueue}, slotted(1, 1)))
	lease, err := p.Acquire(nil)
	require.NoError(t, err)
	assert.PanicsWithValue(t, `BUG: the policy picked "e0", which is closed`, func() { _, _ = p.Acquire(nil) })
	lease.Release(Outcome{})
	assertIdle(t, p)
}

// deaf is a policy that does not listen to Open.
type deaf struct{ turns }

func (deaf) Build(candidates []Candidate) Picker {
	return &deafPicker{turnsPicker{candidates: candidates}}
}

type deafPicker struct{ turnsPicker }

func (*deafPicker) Open(int, bool) {}

// TestPolicyThatPanicsWhenTold: the request does not stay counted.
func TestPolicyThatPanicsWhenTold(t *testing.T) {
	p := NewPool("chat", NewLoads())
	require.NoError(t, p.Apply(Options{Policy: touchy{turns{"touchy"}}, Queue: testQueue}, slotted(1, 1)))
	assert.Panics(t, func() { _, _ = p.Acquire(nil) })
	assertIdle(t, p)
	require.NoError(t, p.Apply(queued(testQueue), slotted(1, 1)))
	lease, err := p.Acquire(nil)
	require.NoError(t, err)
	lease.Release(Outcome{})
	assertIdle(t, p)
}

type touchy struct{ turns }

func (touchy) Build(candidates []Candidate) Picker {
	return &touchyPicker{turnsPicker{candidates: candidates}}
}

type touchyPicker struct{ turnsPicker }

func (*touchyPicker) Open(int, bool) { panic("BUG: touchy") }

// TestPolicyThatPanicsAtItsStart: the policy before it stays in force, and nobody who waits is lost.
func TestPolicyThatPanicsAtItsStart(t *testing.T) {
	p := newQueuePool(t, 2, testQueue)
	leases, waiters := fill(t, p), enqueueMany(t, p, 2)
	before := p.Snapshot()
	assert.Panics(t, func() { _ = p.Apply(Options{Policy: stillborn{turns{"stillborn"}}, Queue: testQueue}, slotted(2, 1)) })
	assert.Same(t, before, p.Snapshot())
	leases[0].Release(Outcome{})
	assert.Equal(t, 1, boundNow(t, waiters))
	require.NoError(t, p.Apply(queued(testQueue), slotted(2, 2)))
	assert.Equal(t, 2, boundNow(t, waiters))
	finish(t, p, leases, waiters)
}

type stillborn struct{ turns }

func (stillborn) Build(candidates []Candidate) Picker {
	return &stillbornPicker{turnsPicker{candidates: candidates}}
}

type stillbornPicker struct{ turnsPicker }

func (*stillbornPicker) Inherit(Picker) { panic("BUG: stillborn") }
