package probe

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Prober probes the endpoints of one upstream.
type Prober struct {
	options Options
	targets []*target
}

// target is one endpoint under watch. Its threshold belongs to the goroutine that probes
// it: one of FirstRound's, and afterwards one of Run's.
type target struct {
	name      string
	check     check
	threshold threshold
	report    atomic.Pointer[Report] // never nil; written where threshold is
}

// Report is the state of one endpoint.
type Report struct {
	Endpoint string
	State    State
	Reason   string    // of the result that brought the state
	Since    time.Time // when it did
}

// New returns a prober. It does nothing until FirstRound or Run is called, which must not
// run at the same time.
func New(o Options) *Prober {
	p := &Prober{options: o.withDefaults()}
	for _, t := range o.Targets {
		watched := &target{
			name:  t.Name,
			check: newCheck(p.options, t),
			threshold: threshold{
				unhealthy: p.options.UnhealthyThreshold,
				healthy:   p.options.HealthyThreshold,
				state:     t.Initial,
			},
		}
		watched.report.Store(&Report{Endpoint: t.Name, State: t.Initial, Since: time.Now()})
		p.targets = append(p.targets, watched)
	}
	return p
}

// FirstRound probes every target once, all at the same time, and returns after at most
// one Timeout. A target nothing was known of is decided by this one probe.
func (p *Prober) FirstRound(ctx context.Context) {
	var round sync.WaitGroup
	for _, t := range p.targets {
		round.Go(func() { p.probe(ctx, t) })
	}
	round.Wait()
}

// Run probes every target on its schedule until ctx ends. It returns nil when the last
// probe has returned, which ctx cuts short.
func (p *Prober) Run(ctx context.Context) error {
	start := time.Now()
	var running sync.WaitGroup
	for i, t := range p.targets {
		running.Go(func() {
			p.watch(ctx, t, newSchedule(start, p.options.Interval, i, len(p.targets), rand.Float64))
		})
	}
	<-ctx.Done()
	running.Wait()
	return nil
}

// Reports returns the state of every endpoint, in the order of the targets. It may be
// called from any goroutine.
func (p *Prober) Reports() []Report {
	reports := make([]Report, len(p.targets))
	for i, t := range p.targets {
		reports[i] = *t.report.Load()
	}
	return reports
}

// watch probes one target until ctx ends.
func (p *Prober) watch(ctx context.Context, t *target, s *schedule) {
	timer := time.NewTimer(time.Until(s.next(time.Now())))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		p.probe(ctx, t)
		timer.Reset(time.Until(s.next(time.Now())))
	}
}

// probe asks the target once and passes on what that changes. A probe that ctx cut short
// says nothing.
func (p *Prober) probe(ctx context.Context, t *target) {
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, p.options.Timeout)
	v := t.check(limited)
	cancel()
	if ctx.Err() != nil {
		return
	}
	p.options.Observe(t.name, v.result, time.Since(began))

	before := t.threshold.state
	if !t.threshold.observe(v.result) {
		return
	}
	now := t.threshold.state
	t.report.Store(&Report{Endpoint: t.name, State: now, Reason: v.reason, Since: time.Now()})
	p.log(t.name, before, now, v.reason)
	p.options.Sink.SetProbe(t.name, now, v.reason)
}

// log writes a change: bad news as a warning, and what was to be expected at start quietly.
func (p *Prober) log(endpoint string, before, now State, reason string) {
	write := p.options.Log.Info
	switch {
	case now == Down:
		write = p.options.Log.Warn
	case before == Unknown:
		write = p.options.Log.Debug
	}
	write("endpoint health changed",
		zap.String("upstream", p.options.Upstream), zap.String("endpoint", endpoint),
		zap.Stringer("from", before), zap.Stringer("to", now), zap.String("reason", reason))
}
