// A lease: the right to use one endpoint for one attempt.

package balancer

import (
	"sync"
	"sync/atomic"

	"github.com/steelyard-proxy/steelyard/balancer/cost"
)

// Lease is the right to use one endpoint for one attempt. It is a value and may be
// copied; all copies are one lease, which counts in flight from Acquire to the first
// Release of any of them. The zero Lease has no endpoint and nothing to release.
type Lease struct {
	endpoint *Endpoint
	shared   *leaseShared
	number   uint64 // shared's when the lease was given out
	pauses   uint32 // of the endpoint's outages, then
	trial    uint32 // of the endpoint's, to which it belongs; 0: to none
	follows  bool   // the server keeps count of it, as shared's visit
}

// leaseShared is what the copies of a lease share. It is used again for later leases; a copy
// that outlived its lease has an older number and can do nothing.
type leaseShared struct {
	number atomic.Uint64 // raised by the first Release of each lease
	timing timing        // written before the lease is given out; read by its first Release
	visit  cost.Visit    // guarded by the lock of its server
}

var leasePool = sync.Pool{New: func() any { return new(leaseShared) }}

// newLease returns a lease of what was taken for a request of this size; 0 for one that is not
// to be measured. Trial is the number of the trial in which the request was counted.
func newLease(t taken, size float64, trial uint32) Lease {
	e, shared := t.endpoint, t.shared
	if shared == nil {
		shared = leasePool.Get().(*leaseShared)
	}
	shared.timing = e.startTiming(size)
	return Lease{
		endpoint: e, shared: shared, number: shared.number.Load(), pauses: e.outage.pauses.Load(), trial: trial, follows: t.shared != nil,
	}
}

// Endpoint returns the endpoint the lease is for, also after its release.
func (l Lease) Endpoint() *Endpoint { return l.endpoint }

// Release ends the lease with its outcome. Only the first call for a lease counts, from
// whichever copy and goroutine; the others do nothing.
func (l Lease) Release(o Outcome) {
	if l.shared == nil || !l.shared.number.CompareAndSwap(l.number, l.number+1) {
		return
	}
	e := l.endpoint
	judged := o.Class == ConnectFailed || l.trial != 0 || o.PushBack > 0 || e.Unreachable()
	if judged {
		e.pool.attempted(e, &o, l.pauses, l.trial) // first: the slot must not go to the next who waits
	}
	e.measure(l.shared.timing, o)
	if l.follows {
		e.leave(l.shared, o.Class == Answered && o.Status < 300, o.Usage)
	}
	e.load.finish(o.Class)
	leasePool.Put(l.shared)
	e.load.tell(nil)
	if judged {
		e.pool.notices.tell()
	}
}

// Reached says that a new connection to the endpoint was made. Where connections failed
// before, others may have the endpoint from then on, and not only once this attempt has been
// Answered. Where none did it takes no lock.
func (l Lease) Reached() {
	if e := l.endpoint; e != nil && e.Unreachable() {
		e.pool.reached(e)
		e.pool.notices.tell()
	}
}
