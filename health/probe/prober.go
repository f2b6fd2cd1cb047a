// The prober of one endpoint: its run, and what it reports.

package probe

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Prober probes one endpoint for as long as that exists. A change of options keeps its place
// in the interval and its run of results.
type Prober struct {
	target    Target
	settings  atomic.Pointer[settings] // never nil; written by Configure
	changed   chan struct{}            // holds one; written by Configure, read by Run
	hastened  chan struct{}            // holds one; written by Hasten, read by Run
	warned    time.Time                // when a probe could not be made; written where threshold is
	threshold threshold                // belongs to the goroutine of First, and then of Run
	report    atomic.Pointer[Report]   // never nil; written where threshold is
}

// settings are the options in force and the check they ask for.
type settings struct {
	Options
	check check
}

// Report is the state of one endpoint.
type Report struct {
	State  State
	Reason string    // of the result that brought the state
	Since  time.Time // when it did
}

// New returns a prober. It does nothing before First or Run, which must not run at the same
// time.
func New(o Options, t Target) *Prober {
	p := &Prober{target: t, changed: make(chan struct{}, 1), hastened: make(chan struct{}, 1)}
	p.report.Store(&Report{Since: time.Now()})
	p.Configure(o)
	return p
}

// Configure changes how the endpoint is probed, from its next probe on, which comes no later
// than it would have. Any goroutine may call it, one at a time.
func (p *Prober) Configure(o Options) {
	o = o.withDefaults()
	p.put(&settings{o, newCheck(o, p.target)})
}

func (p *Prober) put(s *settings) {
	p.settings.Store(s)
	signal(p.changed)
}

// Hasten has the endpoint probed at once, if it is Down, and while it passes again and again soon
// after, until it is back: something says that it may be. A failure ends that, and the schedule goes
// on. It never waits, and any goroutine may call it.
func (p *Prober) Hasten() {
	if p.Report().State == Down {
		signal(p.hastened)
	}
}

// signal leaves a word that Run has still to see; one is enough.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// First probes the endpoint once, in at most one Timeout. If its state was Unknown, this one
// result decides it.
func (p *Prober) First(ctx context.Context) { p.probe(ctx) }

// Run probes the endpoint on its schedule until ctx ends, which also cuts a running probe
// short. It returns nil.
func (p *Prober) Run(ctx context.Context) error {
	now := time.Now()
	s := newSchedule(now, p.settings.Load().Interval, p.target.Place, rand.Float64)
	timer := time.NewTimer(s.next(now).Sub(now))
	defer timer.Stop()
	hasty, last := false, now // whether it is probed out of its turn, and when it was probed last
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.changed:
			now = time.Now()
			timer.Reset(s.change(now, p.settings.Load().Interval).Sub(now))
			continue
		case <-p.hastened:
			hasty = true
			timer.Reset(time.Until(last.Add(p.haste())))
			continue
		case <-timer.C:
		}
		last = time.Now()
		p.probe(ctx)
		now = time.Now()
		if hasty = hasty && p.threshold.state == Down && p.threshold.against > 0; hasty {
			timer.Reset(p.haste())
		} else {
			timer.Reset(s.after(now).Sub(now))
		}
	}
}

// haste is the time between probes that Hasten has asked for. HAProxy's fastinter is the same.
func (p *Prober) haste() time.Duration {
	return min(max(p.settings.Load().Interval/hasteRatio, leastHaste), mostHaste)
}

const (
	hasteRatio            = 50
	leastHaste, mostHaste = 10 * time.Millisecond, 100 * time.Millisecond
)

// Report returns the state of the endpoint. It may be called from any goroutine.
func (p *Prober) Report() Report { return *p.report.Load() }

// warnEvery is the least time between two warnings of probes that could not be made.
const warnEvery = time.Minute

// probe asks the target once and passes on what that changes. A probe that ctx cut short, or
// that this process could not make, changes nothing.
func (p *Prober) probe(ctx context.Context) {
	s, began := p.settings.Load(), time.Now()
	limited, cancel := context.WithTimeout(ctx, s.Timeout)
	v := s.check(limited)
	cancel()
	if ctx.Err() != nil {
		return
	}
	if v.result == Unasked { // that says nothing of the endpoint
		if now := time.Now(); now.Sub(p.warned) >= warnEvery {
			p.warned = now
			s.Log.Warn("endpoint not probed", zap.String("upstream", s.Upstream), zap.String("endpoint", p.target.Name), zap.String("reason", v.reason))
		}
		return
	}
	s.Observe(v.result, time.Since(began))
	if v.result.State() == Down {
		p.target.Where.Doubt()
	}

	before := p.threshold.state
	p.threshold.unhealthy, p.threshold.healthy = s.UnhealthyThreshold, s.HealthyThreshold
	if !p.threshold.observe(v.result) {
		if p.threshold.state == Down && s.Release != nil && s.ReleaseAfter > 0 && time.Since(p.Report().Since) >= s.ReleaseAfter {
			s.Release()
		}
		return
	}
	now := p.threshold.state
	p.report.Store(&Report{State: now, Reason: v.reason, Since: time.Now()})
	s.log(p.target.Name, before, now, v.reason)
	s.Sink.SetProbe(now, v.reason)
}

// log writes a change: bad news as a warning, unless the endpoint is only about to come, and the expected first state at a low level.
func (s *settings) log(endpoint string, before, now State, reason string) {
	write := s.Log.Info
	switch {
	case now == Down && s.Starting != nil && s.Starting():
	case now == Down:
		write = s.Log.Warn
	case before == Unknown:
		write = s.Log.Debug
	}
	write("endpoint health changed",
		zap.String("upstream", s.Upstream), zap.String("endpoint", endpoint),
		zap.Stringer("from", before), zap.Stringer("to", now), zap.String("reason", reason))
}
