// What the judge keeps of each endpoint.

package outlier

import (
	"math"
	"sync/atomic"
	"time"
)

// state is guarded by the Group's mu, but for revived.
type state struct {
	out      bool      // ejected
	detector Detector  // by which it was ejected last
	since    time.Time // of the last ejection
	ladder   ladder
	shadows  [detectors]ladder // of the ejections that would have been
	trial    bool              // it is back from an ejection or failed probes, and has not shown yet that it is well

	servedBefore uint64 // attempts, when the trial or the appeal began
	faultsBefore uint64 // when the appeal began
	used         int    // for how many ticks it has got requests in spite of its ejection

	revived atomic.Bool // its probe has failed and passes again; written by Revived

	reading Reading         // of the last tick
	counted [endings]uint64 // up to the last tick, as the next two
	clocked [buckets]uint32
	begun   [buckets]uint32
	window  ring[second]

	baseline   moments // of its times for a unit of work, while it is well
	slowFor    int     // ticks for which it has been slow
	apartFor   int     // looks for which it has stood apart from the fleet
	trend      trend
	firstBytes memory    // of its times to the first byte
	heard      time.Time // when it last began an answer
	silent     silence
}

// second is what ended within one tick.
type second struct {
	served, failed, abandoned uint32
	speed                     moments
}

// Revived says that the endpoint's probe had failed and passes again: it is on trial, also if
// it was ejected and its time is not over.
func (e *Endpoint) Revived() {
	e.revived.Store(true)
	if g := e.group.Load(); g != nil {
		g.wake()
	}
}

// configure fits the endpoint to the options.
func (e *Endpoint) configure(o *Options) {
	e.window.fit(max(int((o.Window+tickEvery-1)/tickEvery), 1))
	e.setLimit(o)
}

// setLimit sets how many faults in a row call the judge: one while it is on trial.
func (e *Endpoint) setLimit(o *Options) {
	limit := o.Consecutive
	if limit > 0 && e.trial && o.Enforced[Consecutive] {
		limit = 1
	}
	e.limit.Store(int32(limit))
}

// begin forgets what was counted of an endpoint before it got requests again.
func (e *Endpoint) begin(now time.Time) {
	e.restored.Store(int64(now.Sub(processStart)))
	e.inARow.Store(0)
	e.window.clear()
	e.slowFor, e.apartFor, e.silent = 0, 0, silence{}
	e.trend.points.clear()
	e.servedBefore = e.ended[Served].Load()
}

// sample notes what has ended since the last one.
func (e *Endpoint) sample(r Reading, now time.Time) {
	e.hear(r, now)
	e.reading = r
	s := second{speed: e.speed.take(&e.clocked)}
	if e.firstBytes.take(&e.first, &e.begun) {
		e.heard = now
	}
	for ending := range endings {
		n := e.ended[ending].Load()
		new := uint32(n - e.counted[ending])
		e.counted[ending] = n
		switch {
		case ending == Served:
			s.served += new
		case ending == Abandoned:
			s.abandoned += new
		case ending.isFault():
			s.failed += new
		}
	}
	e.window.push(s)
	e.learn()
	if e.known() {
		e.typical.Store(int32(bucketOf(time.Duration(math.Exp(e.baseline.mean()) * 1e9))))
	}
	e.watchAppeal()
}

// faults is how many there were, ever.
func (e *Endpoint) faults() (n uint64) {
	for ending := ConnectFailed; ending < endings; ending++ {
		n += e.ended[ending].Load()
	}
	return n
}

// beginAppeal begins to count what becomes of requests that the endpoint gets though it is
// ejected.
func (e *Endpoint) beginAppeal() {
	e.used = 0
	e.servedBefore, e.faultsBefore = e.ended[Served].Load(), e.faults()
}

// watchAppeal begins the count anew when the endpoint gets no requests or fails: those that it
// had before its ejection prove nothing.
func (e *Endpoint) watchAppeal() {
	if !e.out {
		return
	}
	if faults := e.faults(); !e.reading.Eligible || faults != e.faultsBefore {
		e.beginAppeal()
		return
	}
	e.used++
}

// appeals reports whether an endpoint that was ejected for failing has served requests well
// for some time, since so many were ejected that it gets requests all the same.
func (e *Endpoint) appeals() bool {
	return e.out && e.used >= 2 && e.failing() &&
		e.ended[Served].Load()-e.servedBefore >= trialPasses && e.faults() == e.faultsBefore
}

// failing reports whether it was ejected last for failing, and not for its pace.
func (e *Endpoint) failing() bool {
	return e.detector == Consecutive || e.detector == Ratio || e.detector == Stall
}
