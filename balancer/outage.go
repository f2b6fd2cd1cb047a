package balancer

import (
	"sync/atomic"
	"time"
)

const (
	// A server that cannot be reached is left alone for firstPause after the first failure,
	// twice as long after each further one, and no longer than longestPause.
	firstPause, longestPause = 100 * time.Millisecond, 5 * time.Second
	// An outage is long after longOutage. Where all endpoints are out for so long, nobody is
	// made to wait for one any more.
	longOutage = 3 * time.Second
)

// outage is what a pool knows of an endpoint to which connections fail, until the probes
// notice or it is back. Such a server must be left alone: it is idle and fails fast, and
// would attract whatever goes by load or waits for a slot. After a pause it is given to one
// request at a time, until one shows that it can be reached. Written under Pool.pick.
type outage struct {
	stage  atomic.Uint32 // a stage; written by enter
	pauses atomic.Uint32 // ever; tells leases that are older than the last pause from those that try
	inARow int           // pauses of this outage
	since  time.Duration // it began, by the pool's clock
	long   bool
	timer  *time.Timer // ends the pause; nil before the first
}

// stage is how far an outage is.
type stage uint32

const (
	reachable stage = iota // there is no outage
	paused                 // left alone until the timer fires
	ready                  // for one request, which will try
	tried                  // by a request that is under way
	stageCount
)

// event is what an outage goes by.
type event uint8

const (
	connectFailed event = iota
	trialTimedOut       // after the last pause began, as the following ones
	answered
	nothingLearned // how it ended says nothing of the server
	connected      // a connection was made, or a probe succeeded
	pauseOver
	trialBegan // the endpoint was given to a request
	eventCount
)

// nextStage has the stage that follows each event. Any stage that stays as it is means that
// nothing happens.
var nextStage = [stageCount][eventCount]stage{
	//          connectFailed trialTimedOut answered   nothingLearned connected  pauseOver  trialBegan
	reachable: {paused, reachable, reachable, reachable, reachable, reachable, reachable},
	paused:    {paused, paused, paused, paused, reachable, ready, paused},
	ready:     {paused, ready, reachable, ready, reachable, ready, tried},
	tried:     {paused, paused, reachable, ready, reachable, tried, tried},
}

func (o *outage) at() stage { return stage(o.stage.Load()) }

// pass enters the stage that follows the event.
func (o *outage) pass(ev event) (from, to stage) {
	from = o.at()
	to = nextStage[from][ev]
	if to != from {
		o.stage.Store(uint32(to))
	}
	return from, to
}

// eventOf is what the end of an attempt means for the outage of its endpoint, where it means
// anything. What began before the last pause says nothing of whether the server can be
// reached since: one that stops finishes its streams. Ignored says that outages are.
func (o *outage) eventOf(class OutcomeClass, pauses uint32, ignored bool) (ev event, tells bool) {
	switch {
	case class == ConnectFailed:
		return connectFailed, true
	case pauses != o.pauses.Load():
		return 0, false
	case class == TimedOut:
		return trialTimedOut, true
	case class == Answered && ignored:
		return connected, true // also in a pause
	case class == Answered:
		return answered, true
	}
	return nothingLearned, true
}

// begin makes a pause of it, and returns for how long.
func (o *outage) begin(now time.Duration) time.Duration {
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

// attempted is told how an attempt at the endpoint ended, before its slot is free, and how
// many pauses there had been when it began. Only one at an endpoint that cannot be reached,
// or that is one, is worth the call.
func (p *Pool) attempted(e *Endpoint, class OutcomeClass, pauses uint32) {
	p.update(func(s *seats) {
		if ev, tells := e.outage.eventOf(class, pauses, !s.obeysOutages()); tells {
			p.pass(s, e, ev)
		}
	})
}

// reached ends an outage of the endpoint.
func (p *Pool) reached(e *Endpoint) {
	p.update(func(s *seats) { p.pass(s, e, connected) })
}

// resume is called by the timer.
func (p *Pool) resume(e *Endpoint) {
	p.update(func(s *seats) { p.pass(s, e, pauseOver) })
}

// pass lets the event happen to the endpoint's outage, with all that follows from it. The
// caller holds pick.
func (p *Pool) pass(s *seats, e *Endpoint, ev event) {
	s.changeOutage(e, func() {
		o, now := &e.outage, p.queue.now()
		switch from, to := o.pass(ev); {
		case from == to:
		case to == paused:
			pause := o.begin(now)
			if o.timer == nil {
				o.timer = time.AfterFunc(pause, func() { p.resume(e) })
			} else {
				o.timer.Reset(pause)
			}
			if from == reachable {
				p.notices.add(Transition{Upstream: p.name, Endpoint: e.name, Condition: Unreachable, On: true, Reason: "connections to it fail"})
			}
		case to == reachable:
			o.timer.Stop()
			p.notices.add(Transition{Upstream: p.name, Endpoint: e.name, Condition: Unreachable, After: now - o.since})
			o.inARow, o.long = 0, false
		}
	})
	p.notePanic(IgnoresOutages, s != nil && !s.obeysOutages())
}

// Awaits reports whether none of the endpoints can be reached, and those who want one wait
// until one can, as they do for the first seconds in a pool with slots and a queue.
func (p *Pool) Awaits() bool {
	p.pick.Lock()
	defer p.pick.Unlock()
	s := p.snapshot.Load().seats
	return s != nil && s.unreachable == len(s.endpoints) && s.obeysOutages()
}

// update changes what is known of the seats, gives those that this opens to those who wait,
// and tells the other pools of what was given.
func (p *Pool) update(change func(*seats)) {
	for _, e := range p.updateSeats(change) {
		e.load.tell(e)
	}
}

// updateSeats is update under the lock. It returns the endpoints that may have been given to
// those who wait.
func (p *Pool) updateSeats(change func(*seats)) (given []*Endpoint) {
	p.pick.Lock()
	defer p.pick.Unlock()
	s := p.snapshot.Load().seats
	change(s)
	if !p.serveWaiting(nil) {
		return nil
	}
	return s.endpoints
}
