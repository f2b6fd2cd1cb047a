// What is asked of a pool, for those who decide how many endpoints it needs.

package balancer

import "time"

// Demand is what has been asked of a pool. Work is in units of the usual request; a request of which it is not known
// counts as one.
type Demand struct {
	Requests uint64  // that came so far, each counted once however often it is tried
	Work     float64 // theirs

	Waiting     int // now
	WaitingWork float64
	Oldest      time.Duration // how long the oldest has waited
}

// demand counts what comes, and the work of those who wait. Guarded by Pool.pick.
type demand struct {
	requests      uint64
	work, waiting float64
}

// sizeOf is the work of a request as demand counts it.
func sizeOf(r *Request) float64 {
	if work := r.work(); work > 0 {
		return work
	}
	return 1
}

// Demand returns what has been asked of the pool so far.
func (p *Pool) Demand() Demand {
	p.pick.Lock()
	defer p.pick.Unlock()
	q := &p.queue
	d := Demand{Requests: q.demand.requests, Work: q.demand.work, Waiting: q.length, WaitingWork: q.demand.waiting}
	if q.length > 0 {
		d.Oldest = q.now() - q.oldest.arrived
	}
	return d
}
