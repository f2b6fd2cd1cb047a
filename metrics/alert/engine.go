// The engine: rules, held against the instruments again and again.

package alert

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

const (
	// keepResolved is how long an alert that is over is still shown.
	keepResolved = 15 * time.Minute
	// jump is by how much the wall clock may differ from the time that passed.
	jump = 5 * time.Second
	// usualInterval is that of an engine that has no plan yet.
	usualInterval = 10 * time.Second
)

// Registry is where the instruments are read.
type Registry interface {
	Gather(names map[string]bool) []metrics.Sample
}

// Options are what an Engine needs; all but Registry may be left out.
type Options struct {
	Registry Registry
	Subjects func() []Subject // the upstreams and endpoints there are; nil: those that samples tell of
	Store    *Store           // nil: nothing is kept
	Events   *event.Log
	Complain func(error)      // hears what goes wrong on the way; nil: nobody does
	Now      func() time.Time // the time of day when the engine is made; nil: time.Now
}

// Plan is what the configuration asks for.
type Plan struct {
	Rules    []Rule // those of objectives not among them
	SLOs     []SLO
	Interval time.Duration
}

// All are the rules of a plan, those of its objectives included. Of two with one name the first counts: one that is
// given goes before one of an objective.
func (p *Plan) All() (rules []*Rule) {
	named := map[string]bool{}
	add := func(list []Rule) {
		for i := range list {
			if !named[list[i].Name] {
				named[list[i].Name] = true
				rules = append(rules, &list[i])
			}
		}
	}
	add(p.Rules)
	for i := range p.SLOs {
		add(p.SLOs[i].Rules())
	}
	return rules
}

// Engine holds rules against the instruments. Step and Run are for one goroutine; all else is safe for
// concurrent use.
type Engine struct {
	Options

	// OnChange hears of each alert that fires, is over or begins to flap, and of nothing between. It is
	// called by Step, without a lock, before what has changed is saved: after a kill in between it
	// hears the same again. Set it before the first Step.
	OnChange func(Alert)

	// OnStep is called after each Step, likewise; nil: nothing is.
	OnStep func(now time.Time)

	counters counters // of the goroutine of Step
	unsaved  bool     // the last save failed; of the same

	mu        sync.Mutex // guards what follows; never held while anything is read, told or written
	rules     []*Rule
	interval  time.Duration
	planned   uint64 // how often Configure was called
	instances map[string]*instance
	gone      []Alert // over for good, and shown for a while
	budgets   map[string]*budget
	changes   []Alert // to be told by the next Step

	clock time.Duration // that has passed since the engine was made
	at    time.Time     // the last Step; zero: there was none
	steps uint64
	dirty bool // something to save has changed
	stats Stats

	elapsed func(from, to time.Time) time.Duration // by the monotonic clock, where there is one
}

// Stats are what the engine says of itself.
type Stats struct {
	Steps uint64        // evaluations of all rules
	Took  time.Duration // all of them together
}

// New makes an engine without rules. What its store has of alerts is taken up: those that fired go on firing
// until their rules have looked at all they look back on.
func New(o Options) *Engine {
	if o.Complain == nil {
		o.Complain = func(error) {}
	}
	if o.Store == nil {
		o.Store, _ = Open("") // in memory
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	e := &Engine{Options: o, interval: usualInterval, instances: map[string]*instance{}, budgets: map[string]*budget{},
		elapsed: func(from, to time.Time) time.Duration { return to.Sub(from) }}
	e.restore(o.Now())
	return e
}

// Configure puts other rules in force. An alert stays as it is while there is a rule of its name, whatever
// else has changed; of a rule that is no more, alerts are over.
func (e *Engine) Configure(p Plan) {
	rules := p.All()
	e.mu.Lock()
	defer e.mu.Unlock()
	if p.Interval > 0 {
		e.interval = p.Interval
	}
	byName := map[string]*Rule{}
	for _, r := range rules {
		byName[r.Name] = r
	}
	for _, i := range e.instances {
		r := byName[i.name]
		if r != nil && (i.rule == nil || !r.sameQuestion(i.rule)) {
			i.history, i.restored = history{over: r.Over}, true
		}
		i.rule = r
	}
	e.rules = rules
	e.planned++
	e.dirty = true
}

// Run evaluates the rules until ctx ends.
func (e *Engine) Run(ctx context.Context) error {
	for {
		e.Step(time.Now())
		timer := time.NewTimer(e.Interval())
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// Interval is the time from one evaluation to the next.
func (e *Engine) Interval() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.interval
}

// Rules are those in force.
func (e *Engine) Rules() []*Rule {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.rules)
}

// Stats are what the engine says of itself.
func (e *Engine) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stats
}

// Alerts are those that fire, are pending, or were over within the last 15 minutes: the gravest first.
func (e *Engine) Alerts() []Alert {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := slices.Clone(e.gone)
	for _, i := range e.instances {
		a := i.show()
		lately := a.State == Inactive && !a.EndsAt.IsZero() && e.at.Sub(a.EndsAt) < keepResolved
		if a.State == NoData && !a.EndsAt.IsZero() && e.at.Sub(a.EndsAt) < keepResolved {
			a.State, lately = Inactive, true
		}
		if a.State == Firing || a.State == Pending || lately {
			list = append(list, a)
		}
	}
	sortAlerts(list)
	return list
}

func sortAlerts(list []Alert) { slices.SortFunc(list, compare) }

// compare puts what fires before what is pending, and that before what is over; in each the gravest first.
func compare(a, b Alert) int {
	order := [...]int{Firing: 0, Pending: 1, NoData: 2, Inactive: 3}
	return cmp.Or(cmp.Compare(order[a.State], order[b.State]),
		cmp.Compare(slices.Index(Severities, a.Severity), slices.Index(Severities, b.Severity)),
		cmp.Compare(a.Name, b.Name), cmp.Compare(a.Upstream, b.Upstream), cmp.Compare(a.Endpoint, b.Endpoint), a.EndsAt.Compare(b.EndsAt))
}

// Count is how many alerts of a rule are in a state.
type Count struct {
	Name, Severity string
	State          State
	Alerts         int
}

// Counts are how many alerts of each rule are pending, firing or without data.
func (e *Engine) Counts() (counts []Count) {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := map[*Rule]int{}
	for _, r := range e.rules {
		at[r] = len(counts)
		for _, s := range []State{Pending, Firing, NoData} {
			counts = append(counts, Count{Name: r.Name, Severity: r.Severity, State: s})
		}
	}
	for _, i := range e.instances {
		if first, found := at[i.rule]; found && i.show().State != Inactive {
			counts[first+int(i.show().State)-1].Alerts++
		}
	}
	return counts
}
