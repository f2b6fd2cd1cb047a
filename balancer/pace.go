package balancer

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// mean is an average over the last samples mostly: over all until there are horizon.
type mean struct {
	value float64
	seen  int // up to horizon
}

func (m *mean) learn(sample float64, horizon int) {
	m.seen = min(m.seen+1, horizon)
	m.value += (sample - m.value) / float64(m.seen)
}

// An endpoint's pace is taken over paceHorizon requests, and known from paceKnown on.
const paceHorizon, paceKnown = 50, 10

// pace is how long an endpoint has a request of the usual size, as measured lately: the
// geometric mean of seconds over size, in which neither a cold start nor a few very long
// requests count for much. It is what the endpoint's hardware, its batch and its clients
// make of it; the capacity that was told has no part in it.
type pace struct {
	mu      sync.Mutex
	seconds mean          // logarithms; guarded by mu
	usual   atomic.Uint64 // bits of a float64, seconds; 0: not known yet
}

// get returns the seconds that a request of size 1 takes; 0 while they are not known.
func (p *pace) get() float64 { return math.Float64frombits(p.usual.Load()) }

// learn takes in a request of this size, in units of the usual one, that is done.
func (p *pace) learn(took time.Duration, size float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seconds.learn(math.Log(max(took, time.Nanosecond).Seconds()/size), paceHorizon)
	if p.seconds.seen >= paceKnown {
		p.usual.Store(math.Float64bits(math.Exp(p.seconds.value)))
	}
}

// timing is when a lease was given out, and what for. Its zero value measures nothing.
type timing struct {
	begun time.Duration // by the pool's clock
	size  float64       // in units of the usual request; 0: it is not measured
}

// measure takes in a request that ended like this.
func (e *Endpoint) measure(t timing, o Outcome) {
	if t.size == 0 || o.Class != Answered || o.Status >= 300 {
		return
	}
	took := e.pool.queue.now() - t.begun
	e.pace.learn(took, t.size)
	if usual := e.pace.get(); usual > 0 && t.size > longWork {
		e.pool.compare(took.Seconds() / usual)
	}
}

// compare takes in how many times the usual a request took that was predicted to be long.
func (p *Pool) compare(times float64) {
	p.pick.Lock()
	defer p.pick.Unlock()
	p.queue.longOnes.learn(math.Log(times), longHorizon)
}
