// What the requests of a trial find out about an endpoint.

package balancer

import (
	"math"
	"sync/atomic"
)

// trial counts the requests that try an endpoint which has come back. Those that began before
// do not count: they may be old streams. Written under Pool.pick.
type trial struct {
	number atomic.Uint32 // of the trial that is going on, as leases know it; 0: there is none
	last   uint32        // the last number that was given
	slots  int64         // how many requests may try at once
	trying int64         // how many do
	passes int           // how many in a row were served well
}

// anyTrialSlots is for a trial that keeps nobody away, since too few others are warm.
const anyTrialSlots = math.MaxInt64

// configure begins, changes or, with no slots, ends a trial.
func (t *trial) configure(slots int64) {
	going := t.number.Load() != 0
	switch {
	case slots == 0 && going:
		t.number.Store(0)
	case slots > 0 && !going:
		if t.last++; t.last == 0 {
			t.last = 1
		}
		t.number.Store(t.last)
		t.trying, t.passes = 0, 0
	}
	t.slots = slots
}

// end takes in how a request of the trial ended, and reports whether by that the endpoint has
// passed. A trial that is over meanwhile does not hear of it.
func (t *trial) end(number uint32, o *Outcome) (passed bool) {
	if number != t.number.Load() {
		return false
	}
	t.trying--
	switch {
	case o.good():
		t.passes++
	case o.bad():
		t.passes = 0
	}
	return t.passes == trialPasses
}

// OnTrial reports whether the endpoint has come back from an ejection or from failed probes,
// and the first requests find out whether it serves them. One that fails then should be enough
// to eject it again. OnTrial takes no lock.
func (e *Endpoint) OnTrial() bool { return e.trial.number.Load() != 0 }

// trialSlots returns how many requests may be at the seat at once while it is on trial; 0 where
// it is not.
func (s *seats) trialSlots(i int) int64 {
	if s.trials == nil {
		return 0
	}
	return s.trials[i]
}

// joinTrial counts a request at a seat that is on trial. It is undone by leaveTrial.
func (s *seats) joinTrial(i int) {
	if s.trialSlots(i) > 0 {
		s.endpoints[i].trial.trying++
		s.showTrial(i)
	}
}

// leaveTrial takes back a request of which nothing came.
func (s *seats) leaveTrial(i int) {
	if s.trialSlots(i) > 0 {
		s.endpoints[i].trial.trying--
		s.showTrial(i)
	}
}

// showTrial puts the obstacle that the seat has by its endpoint's trial.
func (s *seats) showTrial(i int) {
	if t := &s.endpoints[i].trial; s.trialSlots(i) > 0 && t.trying >= t.slots {
		s.put(i, onTrial, onTrial)
	} else {
		s.put(i, onTrial, 0)
	}
}
