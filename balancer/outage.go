// Endpoints that cannot be reached: left alone, then tried by one request at a time.

package balancer

import (
	"cmp"
	"sync/atomic"
	"time"
)

const (
	// A server that cannot be reached is left alone for firstPause after the first failure,
	// twice as long after each further one, and no longer than longestPause.
	firstPause, longestPause = 100 * time.Millisecond, 5 * time.Second
	// The first shortPauses are over soon.
	shortPauses = 2
	// An outage is long after longOutage. Where all endpoints are out for so long, nobody is
	// made to wait for one any more.
	longOutage = 3 * time.Second
)

// outage is what a pool knows of an endpoint to which connections fail, until its probe takes
// it out or it is back. Such a server must be left alone: it is idle and fails fast, so that
// policies that go by load, and requests that wait for a slot, would all go there. After a
// pause it is given to one request at a time, until one shows that it can be reached. Written
// under Pool.pick.
type outage struct {
	stage  atomic.Uint32 // a stage; written by advance
	pauses atomic.Uint32 // how many there ever were: a lease from before the last one tries nothing
	inARow int           // pauses in this outage
	since  time.Duration // when this outage began, by the pool's clock
	long   bool
	timer  *time.Timer // ends the pause; nil before the first
}

// stage is how far an outage is.
type stage uint32

const (
	reachable stage = iota // there is no outage
	paused                 // the endpoint is left alone until the timer fires
	ready                  // the next request may try it
	tried                  // a request is trying it
	stageCount
)

// event is what may change the stage.
type event uint8

const (
	connectFailed  event = iota
	timedOut             // so ended an attempt that began after the last pause
	answered             // so did one
	nothingLearned       // one ended in a way that says nothing of the server
	connected            // a connection was made, or a probe succeeded
	pauseOver
	tryBegan // the endpoint was given to a request
	eventCount
)

// nextStage has the stage that follows upon each event. Where it is the same stage, the event
// means nothing.
var nextStage = [stageCount][eventCount]stage{
	//         connectFailed, timedOut, answered, nothingLearned, connected, pauseOver, tryBegan
	reachable: {paused, reachable, reachable, reachable, reachable, reachable, reachable},
	paused:    {paused, paused, paused, paused, reachable, ready, paused},
	ready:     {paused, ready, reachable, ready, reachable, ready, tried},
	tried:     {paused, paused, reachable, ready, reachable, tried, tried},
}

func (o *outage) at() stage { return stage(o.stage.Load()) }

// advance enters the stage that follows upon the event.
func (o *outage) advance(ev event) (from, to stage) {
	from = o.at()
	to = nextStage[from][ev]
	if to != from {
		o.stage.Store(uint32(to))
	}
	return from, to
}

// eventOf returns what the end of an attempt says of the outage, if it says anything. An
// attempt from before the last pause does not, unless its connection failed: a server that is
// stopping takes no new connections, but finishes its old streams. Ignored says that the pool
// uses all endpoints in spite of their outages.
func (o *outage) eventOf(class OutcomeClass, pauses uint32, ignored bool) (ev event, tells bool) {
	switch {
	case class == ConnectFailed:
		return connectFailed, true
	case pauses != o.pauses.Load():
		return 0, false
	case class == TimedOut:
		return timedOut, true
	case class == Answered && ignored:
		return connected, true // which counts in a pause, too
	case class == Answered:
		return answered, true
	}
	return nothingLearned, true
}

// startPause notes one more failure, and returns how long the pause after it is.
func (o *outage) startPause(now time.Duration) time.Duration {
	if o.inARow == 0 {
		o.since = now
	}
	o.long = now-o.since >= longOutage
	o.pauses.Add(1)
	o.inARow++
	if doublings := o.inARow - 1; doublings < 6 {
		return min(firstPause<<doublings, longestPause)
	}
	return longestPause
}

// attempted is told how an attempt at the endpoint ended, with the numbers of the pauses that
// there had been when it began, and of the trial it belongs to. It must come before the slot is
// freed, or that would go to the next who waits. It is needed where the connection failed, or
// the endpoint has an outage, is on trial or asks for a pause.
func (p *Pool) attempted(e *Endpoint, o *Outcome, pauses, trial uint32) {
	passed := false
	p.update(func(s *seats) {
		if o.Class == ConnectFailed || e.Unreachable() {
			if ev, tells := e.outage.eventOf(o.Class, pauses, !s.obeysOutages()); tells {
				p.advance(s, e, ev, o.Reason)
			}
		}
		if o.PushBack > 0 {
			p.coolOff(s, e, o.PushBack)
		}
		if trial != 0 {
			passed = e.trial.end(trial, o)
			if e.seat != unseated {
				s.showTrial(e.seat)
			}
		}
	})
	if passed {
		p.passed(e)
	}
}

// reached ends an outage of the endpoint.
func (p *Pool) reached(e *Endpoint) {
	p.update(func(s *seats) { p.advance(s, e, connected, "") })
}

// resume is called by the timer.
func (p *Pool) resume(e *Endpoint) {
	p.update(func(s *seats) { p.advance(s, e, pauseOver, "") })
}

// advance lets an event change the endpoint's outage, and does all that follows from that.
// Reason is why the connection failed, if it is known. The caller holds pick.
//
// Where none could be reached and one is back, most likely the others are, too, and it must not
// carry everything until their pauses are over: each is tried at once, but for those whose pauses
// are short.
func (p *Pool) advance(s *seats, e *Endpoint, ev event, reason string) {
	none := s != nil && s.unreachable == len(s.endpoints)
	p.advanceOne(s, e, ev, reason)
	if none && s.unreachable < len(s.endpoints) {
		for _, other := range s.endpoints {
			if other.outage.inARow > shortPauses {
				p.advanceOne(s, other, pauseOver, "")
			}
		}
	}
	p.notePanic(IgnoresOutages, s.ignoresOutages())
}

// advanceOne is advance for the endpoint alone.
func (p *Pool) advanceOne(s *seats, e *Endpoint, ev event, reason string) {
	s.changeAway(e, func() {
		o, now := &e.outage, p.queue.now()
		switch from, to := o.advance(ev); {
		case from == to:
		case to == paused:
			pause := o.startPause(now)
			if o.timer == nil {
				o.timer = time.AfterFunc(pause, func() { p.resume(e) })
			} else {
				o.timer.Reset(pause)
			}
			if from == reachable {
				p.notices.add(Transition{Upstream: p.name, Endpoint: e.name, Condition: Unreachable, On: true, Reason: cmp.Or(reason, "connections to it fail")})
			}
		case to == reachable:
			o.timer.Stop()
			p.notices.add(Transition{Upstream: p.name, Endpoint: e.name, Condition: Unreachable, After: now - o.since})
			o.inARow, o.long = 0, false
		}
	})
}

// Awaits reports whether every endpoint is out or cools off, but requests wait until one is
// back, as they do for the first seconds in a pool with slots and a queue.
func (p *Pool) Awaits() bool {
	p.pick.Lock()
	defer p.pick.Unlock()
	s := p.snapshot.Load().seats
	return s != nil && s.away == len(s.endpoints) && s.obeysOutages()
}

// update changes what is known of the seats. It gives seats that open by that to those who
// wait, and tells the other pools what it gave.
func (p *Pool) update(change func(*seats)) {
	given, shifts := p.updateSeats(change)
	for _, e := range given {
		e.load.tell(e)
	}
	if shifts {
		refresh([]*Pool{p})
	}
}

// updateSeats is update under the lock. It returns the endpoints that may have been given to
// those who wait, and whether other tiers are to be used by that.
func (p *Pool) updateSeats(change func(*seats)) (given []*Endpoint, shifts bool) {
	p.pick.Lock()
	defer p.pick.Unlock()
	snapshot := p.snapshot.Load()
	s := snapshot.seats
	change(s)
	if p.serveWaiting(nil) {
		given = s.endpoints
	}
	return given, snapshot.shifts()
}
