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

const (
	// An endpoint's pace is taken over paceHorizon requests, and known from paceKnown on.
	paceHorizon, paceKnown = 50, 10
	// One that let go no request for so many times as long as it should have taken is
	// expected to take longer by that.
	overdue = 4
	// An endpoint's pace is doubted when it had no request for so many times as long as one
	// takes there. The next one, if it is faster, counts as if only doubtKeeps had been before
	// it: so an endpoint that was slow and has recovered is found out after a few.
	doubtAfter, doubtKeeps = 30, 2
)

// pace is how long an endpoint has a request, as measured lately: a geometric mean, in
// which neither a cold start nor a few very long requests count for much. It is what the
// endpoint's hardware, its batch and its clients make of it; the capacity that was told has
// no part in it.
type pace struct {
	mu            sync.Mutex
	seconds, size mean          // logarithms; guarded by mu
	plain, sized  atomic.Uint64 // bits of a float64, seconds of any request and of one of the usual size; 0: not known yet
	changed       atomic.Int64  // when a request began here, or ended, last; by the pool's clock
}

// get returns the seconds that a request takes, or one of the usual size if sizes can be
// trusted; 0 while they are not known.
func (p *pace) get(trusted bool) float64 {
	if trusted {
		return math.Float64frombits(p.sized.Load())
	}
	return math.Float64frombits(p.plain.Load())
}

// learn takes in a request of this size, in units of the usual one, that is done.
func (p *pace) learn(took time.Duration, size float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seconds.learn(math.Log(took.Seconds()), paceHorizon)
	p.size.learn(math.Log(size), paceHorizon)
	if p.seconds.seen >= paceKnown || p.get(false) > 0 {
		p.plain.Store(math.Float64bits(math.Exp(p.seconds.value)))
		p.sized.Store(math.Float64bits(math.Exp(p.seconds.value - p.size.value)))
	}
}

// doubted reports whether the pace was known, but for so long nothing was heard of the
// endpoint that it may have another one by now.
func (p *pace) doubted(now time.Duration) bool {
	usual := p.get(false)
	return usual > 0 && (now-time.Duration(p.changed.Load())).Seconds() > doubtAfter*usual
}

// doubt lets what is known count for less.
func (p *pace) doubt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seconds.seen = min(p.seconds.seen, doubtKeeps)
	p.size.seen = p.seconds.seen
}

// release returns how many requests a second an endpoint of so many slots, all of them in
// use, is expected to let go: one that hangs, or has nothing but long requests, fewer and
// fewer.
func (p *pace) release(slots int64, trusted bool, now time.Duration) float64 {
	silent := now - time.Duration(p.changed.Load())
	return 1 / max(p.get(trusted)/float64(slots), silent.Seconds()/overdue)
}

// timing is when a lease was given out, and what for. Its zero value measures nothing.
type timing struct {
	begun  time.Duration // by the pool's clock
	size   float64       // in units of the usual request; 0: it is not measured
	doubts bool          // the endpoint's pace was doubted then
}

// begin returns the timing of a request of this size that begins at the endpoint now.
func (e *Endpoint) begin(size float64) timing {
	if size == 0 {
		return timing{}
	}
	now := e.pool.queue.now()
	t := timing{begun: now, size: size, doubts: e.pace.doubted(now)}
	e.pace.changed.Store(int64(now))
	return t
}

// measure takes in a request that ended like this.
func (e *Endpoint) measure(t timing, o Outcome) {
	if t.size == 0 {
		return
	}
	now := e.pool.queue.now()
	e.pace.changed.Store(int64(now))
	took := now - t.begun
	if o.Class != Answered || o.Status >= 300 || took <= 0 {
		return
	}
	if t.doubts && took.Seconds() < e.pace.get(false) { // not else: a cold start is no pace
		e.pace.doubt()
	}
	e.pace.learn(took, t.size)
	if usual := e.pace.get(false); usual > 0 && t.size > longWork {
		e.pool.compare(took.Seconds() / usual)
	}
}

// compare takes in how many times the usual a request took that was predicted to be long.
func (p *Pool) compare(times float64) {
	p.pick.Lock()
	defer p.pick.Unlock()
	p.queue.longOnes.learn(math.Log(times), longHorizon)
}
