// What a pool is told of its upstream as a whole.

package balancer

import (
	"errors"
	"fmt"
	"time"
)

// Options is what a pool is told of its upstream as a whole.
type Options struct {
	Policy Builder // by what rule requests are shared; must be given
	Queue  QueueOptions
	// MaxEjectedRatio is the part, 0 to 1, of the capacity without any other condition that may
	// be ejected at once; 0: none is. One endpoint may be ejected if it is more than that, but the
	// last never. Of more ejections the earliest are obeyed.
	MaxEjectedRatio float64
	// PanicRatio is a part, 0 to 1, of the capacity that is neither draining nor departing. If
	// less than that would be eligible, ejections are not obeyed at all. If less than that is
	// warm, those that come back are used whole.
	PanicRatio float64
	// TierSpillRatio is a part, 0 to 1, of the capacity of the tiers in use, but for what departs. If
	// less than that can be used, the next tier is used as well; 0: only if nothing can.
	TierSpillRatio float64
	// SlowStart is how long the capacity of an endpoint that comes back, or joins others, takes to
	// grow to the whole; 0: it is used whole at once.
	SlowStart time.Duration
	// MayBeEmpty lets an update have no endpoints. Without it that is refused.
	MayBeEmpty bool
	// Hold is for how long a request waits in the queue at most while nobody is eligible because endpoints have still to
	// arrive; 0: it does not wait for that. HoldEmpty says that it also waits while there are none but those that leave.
	Hold      time.Duration
	HoldEmpty bool
	// Now is the pool's monotonic clock, which may begin anywhere; nil for the process's own.
	// A pool keeps the clock of its first Apply. The clock is read under the pool's lock: it
	// must not block.
	Now func() time.Duration
	// Notify is told each transition of the pool, in order and one at a time, after it is in
	// force and with no lock held; nil where nobody wants to know. It is called by whoever
	// made the change, which may be a request's goroutine, and must return soon. A pool keeps
	// the one of its first Apply.
	Notify func(Transition)
}

// QueueOptions say who may wait while all endpoints are full. A request that waits when they
// change stays, and keeps the MaxWait it came with.
type QueueOptions struct {
	Order       Order
	MaxRequests int           // that wait at once; 0 for no queue
	MaxWait     time.Duration // how long one waits at most; positive where there is a queue
	// ReadAhead lets requests wait, for a policy that is a Binder, while the endpoint that is best for them has more to read
	// than takes it so long; 0: they do not wait for that.
	ReadAhead  time.Duration
	TakeAtOnce bool // nobody is held back: whoever finds a slot free takes it, even if it is slow or the last
}

// validate reports everything that is wrong with the options, as one error.
func (o QueueOptions) validate() error {
	var problems []error
	if o.Order >= orderCount {
		problems = append(problems, fmt.Errorf("queue: there is no %s", o.Order))
	}
	if o.MaxRequests < 0 {
		problems = append(problems, fmt.Errorf("queue: the most requests must be 0 (no queue) or more, is %d", o.MaxRequests))
	}
	if o.MaxWait < 0 || o.MaxRequests > 0 && o.MaxWait == 0 {
		problems = append(problems, fmt.Errorf("queue: the longest wait must be positive, is %v", o.MaxWait))
	}
	if o.ReadAhead < 0 {
		problems = append(problems, fmt.Errorf("queue: what is sent to be read ahead must take 0 (any) or more, is %v", o.ReadAhead))
	}
	return errors.Join(problems...)
}

// validate reports everything that is wrong with the options but for the policy, as one error.
func (o *Options) validate() error {
	problems := []error{o.Queue.validate()}
	for name, ratio := range map[string]float64{"max ejected": o.MaxEjectedRatio, "panic": o.PanicRatio, "tier spill": o.TierSpillRatio} {
		if !(ratio >= 0 && ratio <= 1) {
			problems = append(problems, fmt.Errorf("the %s ratio must be from 0 to 1, is %v", name, ratio))
		}
	}
	if o.SlowStart < 0 {
		problems = append(problems, fmt.Errorf("the slow start must be 0 (none) or more, is %v", o.SlowStart))
	}
	if o.Hold < 0 {
		problems = append(problems, fmt.Errorf("requests must be held for 0 (not at all) or more, is %v", o.Hold))
	}
	return errors.Join(problems...)
}

var processStart = time.Now()

// processClock is the time since the process began.
func processClock() time.Duration { return time.Since(processStart) }

// same reports whether both ask for the same. Options without a policy are like no others.
func (o Options) same(other Options) bool {
	return o.Policy != nil && o.Policy.Name() == other.Policy.Name() && o.Queue == other.Queue &&
		o.MayBeEmpty == other.MayBeEmpty && o.Hold == other.Hold && o.HoldEmpty == other.HoldEmpty && o.MaxEjectedRatio == other.MaxEjectedRatio && o.PanicRatio == other.PanicRatio && o.TierSpillRatio == other.TierSpillRatio && o.SlowStart == other.SlowStart
}
