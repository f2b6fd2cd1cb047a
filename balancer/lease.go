package balancer

import (
	"sync"
	"sync/atomic"
)

// Lease is the right to use one endpoint for one attempt. It is a value and may be
// copied; all copies are one lease, which counts in flight from Acquire to the first
// Release of any of them. The zero Lease has no endpoint and nothing to release.
type Lease struct {
	endpoint   *Endpoint
	slot       *leaseSlot
	generation uint64 // the slot's when the lease was given out
	pauses     uint32 // of the endpoint's outages, then
}

// leaseSlot is what the copies of a lease share. It is used again for later leases; a
// copy that outlived its lease holds an older generation and can do nothing.
type leaseSlot struct {
	generation atomic.Uint64 // raised by the first Release of each lease
	timing     timing        // written before the lease is given out; read by its first Release
}

var leaseSlots = sync.Pool{New: func() any { return new(leaseSlot) }}

// newLease returns a lease of the endpoint for a request of this size, 0 where it is not
// to be measured.
func newLease(e *Endpoint, size float64) Lease {
	slot := leaseSlots.Get().(*leaseSlot)
	slot.timing = e.startTiming(size)
	return Lease{endpoint: e, slot: slot, generation: slot.generation.Load(), pauses: e.outage.pauses.Load()}
}

// Endpoint returns the endpoint the lease is for, also after its release.
func (l Lease) Endpoint() *Endpoint { return l.endpoint }

// Release ends the lease with its outcome. Only the first call for a lease counts, from
// whichever copy and goroutine; the others do nothing.
func (l Lease) Release(o Outcome) {
	if l.slot == nil || !l.slot.generation.CompareAndSwap(l.generation, l.generation+1) {
		return
	}
	e := l.endpoint
	judged := o.Class == ConnectFailed || e.Unreachable()
	if judged {
		e.pool.attempted(e, o.Class, l.pauses) // first: the slot must not go to the next who waits
	}
	e.measure(l.slot.timing, o)
	e.load.finish(o.Class)
	leaseSlots.Put(l.slot)
	e.load.tell(nil)
	if judged {
		e.pool.notices.tell()
	}
}

// Reached says that a new connection to the endpoint was made. It lets others have the
// endpoint at once, where connections failed before, and not only once this attempt has
// been Answered. It takes no lock where none did.
func (l Lease) Reached() {
	if e := l.endpoint; e != nil && e.Unreachable() {
		e.pool.reached(e)
		e.pool.notices.tell()
	}
}
