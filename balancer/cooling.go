// What a pool does where an endpoint says "not now".

package balancer

import (
	"sync/atomic"
	"time"
)

// cooling is the pause that an endpoint has asked for (Outcome.PushBack). It is well, and
// nobody has to find out whether it is back: when the time is over it is used as before. Written
// under Pool.pick.
type cooling struct {
	on    atomic.Bool
	long  bool          // it asked for longer than an outage may last that requests wait for
	until time.Duration // by the pool's clock
	told  time.Duration // when its last pause was told; 0: never
	timer *time.Timer   // ends the pause; nil before the first
}

const (
	// longestCooling bounds what a server may ask for: it may mean one client alone.
	longestCooling = 30 * time.Second
	// Pauses of one endpoint are told once in tellCooling: a server that is full asks for many.
	tellCooling = time.Minute
)

// coolOff leaves the endpoint alone for so long. The caller holds pick.
func (p *Pool) coolOff(s *seats, e *Endpoint, pause time.Duration) {
	now := p.queue.now()
	pause = min(pause, longestCooling)
	c := &e.cooling
	if c.on.Load() && c.until >= now+pause {
		return
	}
	began := !c.on.Load()
	s.changeAway(e, func() {
		c.on.Store(true)
		c.long, c.until = pause > longOutage, now+pause
	})
	if c.timer == nil {
		c.timer = time.AfterFunc(pause, func() { p.update(func(s *seats) { p.warmUp(s, e) }) })
	} else {
		c.timer.Reset(pause)
	}
	if began && (c.told == 0 || now-c.told >= tellCooling) {
		c.told = max(now, 1)
		p.notices.add(Transition{Upstream: p.name, Endpoint: e.name, Cooling: pause, On: true})
	}
}

// warmUp ends the pause, if its time has come. The caller holds pick.
func (p *Pool) warmUp(s *seats, e *Endpoint) {
	if c := &e.cooling; c.on.Load() && p.queue.now() >= c.until {
		s.changeAway(e, func() {
			c.on.Store(false)
			c.long = false
		})
	}
}

// showCooling puts the obstacle that the seat has while its endpoint cools off.
func (s *seats) showCooling(i int) {
	if s.away > 0 && s.endpoints[i].cooling.on.Load() && s.obeysOutages() {
		s.put(i, coolingOff, coolingOff)
	} else {
		s.put(i, coolingOff, 0)
	}
}

// Cooling reports whether the endpoint has asked to be left alone for a while, which is not
// over. It takes no lock.
func (e *Endpoint) Cooling() bool { return e.cooling.on.Load() }
