package balancer

import (
	"sync/atomic"
	"time"
)

// A server that cannot be reached is left alone for so long after the first failure, twice
// as long after each further one, and no longer than longestPause.
const firstPause, longestPause = 100 * time.Millisecond, 5 * time.Second

// A server is gone that cannot be reached for so long: where all are, nobody is made to wait.
const goneAfter = 3 * time.Second

// outage is what a pool does about an endpoint to which connections fail, until the probes
// notice or it is back: it closes the seat for a pause, and opens it afterwards to one
// request at a time, until one shows that the server can be reached. A server that is
// gone is idle and fails fast: else it would attract whatever goes by load or waits for
// a slot. Written under Pool.pick.
type outage struct {
	stage    atomic.Uint32
	pauses   atomic.Uint32 // ever; tells leases that are older than the last from those that try
	failures int           // pauses in a row
	since    time.Duration // the first of them, by the pool's clock
	gone     bool
	timer    *time.Timer // ends the pause; nil before the first
}

// The stages of an outage.
const (
	reachable uint32 = iota
	paused           // closed until the timer fires
	open             // to one request
	tried            // by a request that is under way: closed
)

// attempted is told how an attempt at the endpoint ended, before its slot is free, and how
// many pauses there had been when it began. Only one at an endpoint that cannot be reached,
// or that is one, is worth the call. What began before the last pause says nothing of
// whether the server can be reached since: one that stops finishes its streams.
func (p *Pool) attempted(e *Endpoint, class OutcomeClass, pauses uint32) {
	p.settle(func(s *seats) {
		o := &e.outage
		switch stage := o.stage.Load(); {
		case class == ConnectFailed && stage != paused:
			p.pause(s, e)
		case pauses != o.pauses.Load():
		case class == TimedOut && stage == tried:
			p.pause(s, e)
		case class == Answered && (stage != paused || s.deserted()):
			p.restore(s, e)
		case stage == tried:
			o.stage.Store(open)
			s.refresh(e)
		}
	})
}

// reached ends an outage of the endpoint.
func (p *Pool) reached(e *Endpoint) {
	p.settle(func(s *seats) { p.restore(s, e) })
}

func (p *Pool) pause(s *seats, e *Endpoint) {
	o := &e.outage
	now, wasGone := p.queue.now(), o.gone
	if o.failures == 0 {
		o.since = now
	}
	o.gone = now-o.since >= goneAfter
	pause := longestPause
	if o.failures < 6 {
		pause = min(firstPause<<o.failures, longestPause)
		o.failures++
	}
	o.pauses.Add(1)
	was := o.stage.Swap(paused)
	if o.timer == nil {
		o.timer = time.AfterFunc(pause, func() { p.resume(e) })
	} else {
		o.timer.Reset(pause)
	}
	s.lost(e, was == reachable, o.gone && !wasGone)
}

func (p *Pool) restore(s *seats, e *Endpoint) {
	o := &e.outage
	if o.stage.Load() == reachable {
		return
	}
	o.timer.Stop()
	wasGone := o.gone
	o.failures, o.gone = 0, false
	o.stage.Store(reachable)
	s.found(e, wasGone)
}

// resume is called by the timer.
func (p *Pool) resume(e *Endpoint) {
	p.settle(func(s *seats) {
		if e.outage.stage.CompareAndSwap(paused, open) {
			s.refresh(e)
		}
	})
}

// Awaits reports whether none of the endpoints can be reached, and those who want one wait
// until one can, as they do for the first seconds in a pool with slots and a queue.
func (p *Pool) Awaits() bool {
	p.pick.Lock()
	defer p.pick.Unlock()
	s := p.snapshot.Load().seats
	return s != nil && s.queued && s.out == len(s.endpoints) && !s.deserted()
}

// settle changes what is known of outages, gives the seats that this opens to those who
// wait, and tells the other pools of what was given.
func (p *Pool) settle(change func(*seats)) {
	for _, e := range p.change(change) {
		e.load.tell(e)
	}
}

// change is settle under the lock. It returns the endpoints at which requests may have
// begun that waited before.
func (p *Pool) change(change func(*seats)) []*Endpoint {
	p.pick.Lock()
	defer p.pick.Unlock()
	s := p.snapshot.Load().seats
	change(s)
	if !p.serveWaiting(nil) {
		return nil
	}
	return s.endpoints
}

// deserted reports whether no endpoint can be reached, and nobody had better wait for one,
// as those may do whom a queue takes in: then outages close no seat, for one that may be
// back is better than none.
func (s *seats) deserted() bool {
	return s == nil || s.out == len(s.endpoints) && (!s.queued || s.gone == s.out)
}

// barred reports whether the seat is closed for an outage.
func (s *seats) barred(i int) bool {
	if s.out == 0 || s.deserted() {
		return false
	}
	stage := s.endpoints[i].outage.stage.Load()
	return stage == paused || stage == tried
}

// try notes that a request was given the seat of an endpoint that may not be reachable.
func (s *seats) try(i int) {
	o := &s.endpoints[i].outage
	if !s.deserted() && o.stage.CompareAndSwap(open, tried) {
		s.adjust(i)
	}
}

// lost takes in that an outage of the endpoint begins, or goes on, and whether it is gone by now.
func (s *seats) lost(e *Endpoint, begins, gone bool) {
	s.update(e, func() {
		if begins {
			s.out++
		}
		if gone {
			s.gone++
		}
	})
}

// found takes in that an outage of the endpoint is over, and whether it was gone.
func (s *seats) found(e *Endpoint, gone bool) {
	s.update(e, func() {
		s.out--
		if gone {
			s.gone--
		}
	})
}

// update brings the endpoint's seat up to date with a change of what is out; and all of
// them, where the last server is lost by it, or the first is found.
func (s *seats) update(e *Endpoint, change func()) {
	if e.seat == unseated {
		return
	}
	deserted := s.deserted()
	change()
	if s.deserted() != deserted {
		s.adjustAll()
		return
	}
	s.adjust(e.seat)
}

func (s *seats) refresh(e *Endpoint) {
	if e.seat != unseated {
		s.adjust(e.seat)
	}
}

func (s *seats) adjustAll() {
	for i := range s.endpoints {
		s.adjust(i)
	}
}

// adjust opens or closes the seat as its load and outage ask for.
func (s *seats) adjust(i int) {
	s.setClosed(i, s.isFull(i, s.endpoints[i].load.InFlight()) || s.barred(i))
}

// takeBarred is for a request that finds no open seat: where outages are in the way at all
// seats that it may have, and it had not better wait, it is given one of those, if one is free.
func (s *seats) takeBarred(r *Request) (i int, ok bool) {
	for i, e := range s.endpoints {
		if !r.excludes(e) && (!s.barred(i) || s.queued && !e.outage.gone) {
			return 0, false // it must wait for that one
		}
	}
	defer func() {
		for i, e := range s.endpoints {
			if !r.excludes(e) {
				s.setClosed(i, true) // and no other: a slot that was freed meanwhile is for who waits
			}
		}
	}()
	for i, e := range s.endpoints {
		if !r.excludes(e) {
			s.setClosed(i, s.isFull(i, e.load.InFlight()))
		}
	}
	return s.picker.Pick(r)
}
