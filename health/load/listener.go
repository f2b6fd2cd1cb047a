// The listener of one endpoint: its run, and what it reports.

package load

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/steelyard-proxy/steelyard/health/failure"
)

// Listener hears one engine for as long as its endpoint exists.
type Listener struct {
	target  Target
	made    time.Time
	changed chan struct{} // holds one; written by Configure, read by Run
	next    atomic.Int64  // nanoseconds after made when Due is true again; written by Due and Configure; 0: never
	every   atomic.Int64  // nanoseconds from one Due to the next; written by Configure

	mu      sync.Mutex // guards the rest; not held while the sink is told
	options Options
	began   time.Time // when it was first asked for
	said    Reading   // the last one
	at      time.Time // when it came; zero: none has
	failure string    // why there is none since; "": nothing failed
	others  foreign
	starts  []time.Time // of the last restarts, oldest first
	total   uint64      // restarts
	restart string      // the sink has still to be told of one; "": it has not

	lost bool // the sink was told that nothing is heard; belongs to Run
}

// Report is what is known of an engine.
type Report struct {
	Reading
	Age      time.Duration // of the reading; since asking began where there is none
	Heard    bool          // there is one
	Stale    bool          // it is too old to steer by, or there is none
	Failure  string        // why there is none since; "": nothing failed
	Restarts uint64        // that its figures have shown
	// ForeignWaiting and ForeignRunning are requests of others, as the sink was told.
	ForeignWaiting, ForeignRunning float64
}

// New returns a listener. It does nothing before Run.
func New(o Options, t Target) *Listener {
	l := &Listener{target: t, made: time.Now(), changed: make(chan struct{}, 1), said: nothing(), began: time.Now()}
	l.Configure(o)
	return l
}

// Configure changes how the engine is asked, from now on. Another engine, path or port forgets what
// the one before said.
func (l *Listener) Configure(o Options) {
	o = o.withDefaults()
	l.mu.Lock()
	if o.Engine != l.options.Engine || o.Path != l.options.Path || o.Port != l.options.Port {
		l.said, l.at, l.failure, l.began, l.others, l.starts = nothing(), time.Time{}, "", time.Now(), foreign{}, nil
	}
	l.options = o
	l.mu.Unlock()
	l.every.Store(int64(o.Interval))
	l.next.Store(0)
	if o.byHeader() {
		l.next.Store(1)
	}
	select {
	case l.changed <- struct{}{}:
	default: // Run has still to see an earlier change
	}
}

// Run asks the engine until ctx ends. It returns nil.
func (l *Listener) Run(ctx context.Context) error {
	defer l.silence()
	for ctx.Err() == nil {
		l.mu.Lock()
		o := l.options
		l.mu.Unlock()
		a := newAsker(&o, l.target)
		l.follow(ctx, &o, a)
		a.close()
	}
	return nil
}

// follow asks until the options change or ctx ends. The first question comes at a random moment of
// the interval, so that many endpoints, and many gateways, do not ask at once; and so do the others.
func (l *Listener) follow(ctx context.Context, o *Options, a *asker) {
	timer := time.NewTimer(time.Duration(rand.Float64() * float64(o.Interval)))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.changed:
			return
		case now := <-timer.C:
			if !o.byHeader() {
				l.ask(ctx, o, a)
			}
			l.tell(o, time.Now())
			spread := 0.9 + 0.2*rand.Float64()
			timer.Reset(max(0, time.Duration(spread*float64(o.Interval))-time.Since(now)))
		}
	}
}

// ask asks once, and takes in what is said.
func (l *Listener) ask(ctx context.Context, o *Options, a *asker) {
	limited, cancel := context.WithTimeout(ctx, o.patience())
	defer cancel()
	before := o.InFlight()
	r, err := a.ask(limited)
	ours := float64(before+o.InFlight()) / 2
	if ctx.Err() != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failure = "GET " + o.Path + ": " + failure.Line(err, o.patience())
		return
	}
	l.take(&r, ours)
}

// take takes a reading in. The caller holds mu.
func (l *Listener) take(r *Reading, ours float64) {
	now := time.Now()
	since := now.Sub(l.at)
	if l.at.IsZero() {
		since = l.options.Interval
	}
	if why := r.restarted(&l.said); why != "" {
		l.restarted(why, now)
	}
	l.said, l.at, l.failure = *r, now, ""
	if l.mixed(now) {
		l.failure = "several servers answer at this address in turn"
	}
	l.others.learn(r, ours, since, l.options.Memory)
}

// So many restarts within startsWithin are none: several servers answer in turn.
const manyStarts, startsWithin = 5, time.Minute

// restarted takes a restart in. The caller holds mu.
func (l *Listener) restarted(why string, now time.Time) {
	if len(l.starts) == manyStarts {
		l.starts = append(l.starts[:0], l.starts[1:]...)
	}
	l.starts = append(l.starts, now)
	l.others = foreign{}
	if !l.mixed(now) {
		l.restart = why
		l.total++
	}
}

// mixed reports whether what is said comes from several servers. The caller holds mu.
func (l *Listener) mixed(now time.Time) bool {
	return len(l.starts) == manyStarts && now.Sub(l.starts[0]) < startsWithin
}

// tell tells the sink what counts now, and what has changed.
func (l *Listener) tell(o *Options, now time.Time) {
	l.mu.Lock()
	r := l.report(now)
	silent, restart := r.Stale && (r.Age > o.fresh() || l.mixed(now)) && !o.byHeader(), l.restart
	l.restart = ""
	l.mu.Unlock()
	if restart != "" {
		o.Sink.Restarted(restart)
	}
	o.Sink.Foreign(r.ForeignWaiting, r.ForeignRunning)
	if r.Heard && r.CacheTokens.Known() {
		o.Sink.CacheTokens(int64(r.CacheTokens))
	}
	switch {
	case silent && !l.lost:
		l.lost = true
		o.Sink.Lost(r.Failure)
	case !r.Stale && l.lost:
		l.lost = false
		o.Sink.Heard(r.Engine)
	}
}

// silence tells the sink that nothing counts any more.
func (l *Listener) silence() {
	l.mu.Lock()
	sink := l.options.Sink
	l.mu.Unlock()
	sink.Foreign(0, 0)
}

// Report returns what is known now. It may be called from any goroutine.
func (l *Listener) Report() Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.report(time.Now())
}

func (l *Listener) report(now time.Time) Report {
	r := Report{Reading: l.said, Heard: !l.at.IsZero(), Age: now.Sub(l.at), Failure: l.failure, Restarts: l.total}
	if !r.Heard {
		r.Age = now.Sub(l.began)
		if r.Failure == "" {
			r.Failure = "nothing has been heard yet"
		}
	}
	r.Stale = !r.Heard || r.Age > l.options.fresh() || l.mixed(now)
	if !r.Stale {
		r.ForeignWaiting, r.ForeignRunning = l.others.requests()
	}
	return r
}

// Due reports whether an answer should be asked for the engine's load, once in an interval. It takes
// no lock.
func (l *Listener) Due() bool {
	at := l.next.Load()
	if at == 0 {
		return false
	}
	now := int64(time.Since(l.made)) + 1 // steps of the wall clock change nothing
	return now >= at && l.next.CompareAndSwap(at, now+l.every.Load())
}

// Tell takes in what an answer's AnswerHeader says. It keeps nothing of value.
func (l *Listener) Tell(value []byte) {
	if l.next.Load() == 0 {
		return
	}
	r, err := readHeader(value)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		l.failure = failure.Short(err.Error())
	case r.Engine == "":
		l.failure = "header " + AnswerHeader + " has no figure that is known"
	default:
		l.take(&r, float64(l.options.InFlight()))
	}
}
