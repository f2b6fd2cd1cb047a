// The judge of one upstream's endpoints.

package outlier

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// tickEvery is how often all but failures in a row is judged, and how fine the window is.
const tickEvery = time.Second

// Group judges the endpoints of one upstream, which it holds against each other.
type Group struct {
	read  func() map[string]Reading
	woken chan struct{} // has a word in it when failures in a row are to be looked at
	pleas atomic.Int32  // requests in a row, wherever, that endpoints have served well in spite of their ejections; written by Ended

	mu         sync.Mutex // guards what follows, and the state of the members
	options    Options
	members    []*Endpoint
	found      []verdict // still to be told
	ticks      int       // so far
	dark, dawn bool      // see judgeDark
}

// New makes a Group without endpoints. read is asked once a second for what each endpoint is
// doing, by name.
func New(read func() map[string]Reading) *Group {
	return &Group{read: read, woken: make(chan struct{}, 1)}
}

// Configure says what to go by and who belongs to the group from now on. What is known of
// those that stay is kept. Those that are gone are not spoken of any more.
func (g *Group) Configure(o Options, members []*Endpoint) {
	g.mu.Lock()
	defer g.mu.Unlock()
	gone := map[*Endpoint]bool{}
	for _, e := range g.members {
		gone[e] = true
	}
	g.options, g.members = o, slices.Clone(members)
	for _, e := range g.members {
		delete(gone, e)
		e.configure(&g.options)
		e.group.Store(g)
	}
	for e := range gone { // only those: a failure that one of the others has now must wake the judge
		e.group.Store(nil)
	}
}

// Run judges until ctx ends. Sinks are called by it alone.
func (g *Group) Run(ctx context.Context) error {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-g.woken:
			g.tell(g.look(time.Now()))
		case now := <-ticker.C:
			g.tell(g.tick(now))
		}
	}
}

// wake has the judge look at failures in a row. It never waits.
func (g *Group) wake() {
	select {
	case g.woken <- struct{}{}:
	default:
	}
}

func (g *Group) tell(found []verdict) {
	for _, v := range found {
		v.about.sink.Judged(v.Decision)
	}
}

// look judges what cannot wait for the next tick.
func (g *Group) look(now time.Time) []verdict {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, e := range g.members {
		g.release(e, now)
		g.judgeRun(e, now)
	}
	g.judgeDark(now)
	return g.take()
}

// tick notes what has happened in the last second, and judges everything.
func (g *Group) tick(now time.Time) []verdict {
	readings := g.read()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, e := range g.members {
		e.sample(readings[e.name], now)
	}
	for _, e := range g.members {
		g.release(e, now)
		g.judgeRun(e, now)
		g.judgeRatio(e, now)
		g.judgeStall(e, now)
	}
	g.judgeDark(now)
	g.judgeSlow(now)
	g.ticks++
	if g.ticks%clusterEvery == 0 {
		g.judgeCluster(now)
	}
	if g.ticks%trendEvery == 0 {
		g.judgeTrends(now)
	}
	return g.take()
}

// take returns what is to be told. The caller holds mu.
func (g *Group) take() []verdict {
	found := g.found
	g.found = nil
	return found
}

// say notes a decision. The caller holds mu, as that of all methods below.
func (g *Group) say(e *Endpoint, d Decision) { g.found = append(g.found, verdict{e, d}) }

// accuse ejects an endpoint for what a detector has found, or says that it would have.
func (g *Group) accuse(e *Endpoint, f finding, now time.Time) {
	o := &g.options
	if !o.Enforced[f.detector] {
		l := &e.shadows[f.detector]
		if now.Before(l.until) { // as if it were out
			return
		}
		l.descend(o, now)
		lasts := l.climb(o, now)
		g.say(e, Decision{WouldEject, f.detector, f.reason, f.evidence, lasts, l.until, l.repeats})
		return
	}
	lasts := e.ladder.climb(o, now)
	e.out, e.since, e.detector, e.trial = true, now, f.detector, false
	e.beginAppeal()
	if e.failing() {
		e.expelled.Store(int64(now.Sub(processStart)))
	}
	g.pleas.Store(0)
	g.say(e, Decision{Eject, f.detector, f.reason, f.evidence, lasts, e.ladder.until, e.ladder.repeats})
}

// release ends ejections: those whose time is over, those that have been proved wrong, and
// those that no detector would make any more. It also notes who has stayed well since.
func (g *Group) release(e *Endpoint, now time.Time) {
	o := &g.options
	revived := e.revived.Swap(false)
	switch {
	case !e.out && revived:
		g.dawn = true
		e.begin(now)
		e.trial = true
		e.setLimit(o)
	case !e.out:
		if g.watchTrial(e, now); !e.trial {
			e.ladder.descend(o, now)
		}
	case !now.Before(e.ladder.until):
		g.restore(e, now, "its time is over")
	case revived:
		g.dawn = true
		g.restore(e, now, "it failed its probes meanwhile, and passes them again")
	case !o.Enforced[e.detector]:
		g.restore(e, now, "the detector does not eject any more")
	case e.appeals():
		g.dawn = true
		g.restore(e, now, "it served requests well that it got all the same")
	}
}

// restore ends an ejection: the endpoint is on trial.
func (g *Group) restore(e *Endpoint, now time.Time, why string) {
	d := Decision{Action: Restore, Detector: e.detector, Reason: why, For: now.Sub(e.since), Repeats: e.ladder.repeats}
	e.ladder.until, e.ladder.well = now, now
	e.out, e.trial = false, true
	e.expelled.Store(0)
	e.begin(now)
	e.setLimit(&g.options)
	g.say(e, d)
}

// trialPasses is how many requests in a row an endpoint must serve, after an ejection, to
// count as any other again. Until then one failure is enough to eject it.
const trialPasses = 3

func (g *Group) watchTrial(e *Endpoint, now time.Time) {
	if !e.trial || e.inARow.Load() != 0 || e.ended[Served].Load()-e.servedBefore < trialPasses {
		return
	}
	g.dawn = true
	e.trial, e.ladder.well = false, now
	e.setLimit(&g.options)
	g.say(e, Decision{Action: Passed, Detector: e.detector, Reason: "it served requests well again"})
}
