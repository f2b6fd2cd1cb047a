// A run of a scenario, from its traces to the result.

package lab

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/peers"
	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/bench/scenario"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// Options say what is run, and with what.
type Options struct {
	Scenario *scenario.Scenario
	Programs map[string]peers.Program // by name: steelyard, and the peers that take part
	Seed     uint64                   // of the first trace; the others follow
	InTurn   bool                     // measured contenders run one after the other
	Command  []string                 // for the report
	Notes    []string                 // what was found out before
	Progress func(Progress)           // may be nil
}

// Progress is how far a run is.
type Progress struct {
	Doing string        // what is going on
	Done  float64       // of all, 0 to 1
	Left  time.Duration // about; 0 where nobody knows
}

// Lab is one run.
type Lab struct {
	options  Options
	scenario *scenario.Scenario
	started  time.Time
	steps    steps
}

// New returns a run of a scenario that package scenario has checked.
func New(o Options) *Lab {
	l := &Lab{options: o, scenario: o.Scenario}
	l.steps = steps{report: o.Progress}
	return l
}

// measured says whether the run goes through sockets.
func (l *Lab) measured() bool { return !l.scenario.Simulated }

// Takes is how long the measured part of a run is at least.
func (l *Lab) Takes() time.Duration {
	cases := 0
	for _, c := range l.scenario.Cases {
		if !c.Simulated {
			cases++
		}
	}
	return l.scenario.Lasts() * time.Duration(l.scenario.Seeds*cases*len(l.groups()))
}

// Run does all of it, whatever Check says. It ends early with ctx, and whatever it has started ends before it returns.
func (l *Lab) Run(ctx context.Context) (*report.Result, error) {
	l.started = time.Now()
	r := l.head()
	if l.scenario.Sizes != nil {
		fleets, err := l.fleets(ctx)
		r.Fleets = fleets
		return l.finish(r), err
	}
	if l.scenario.Published {
		r.Formulas = formulas(l.capacities(), l.scenario.Rate)
	}
	l.plan()
	for _, c := range l.scenario.Cases {
		done, notes, err := l.runCase(ctx, c)
		if err != nil {
			return nil, err
		}
		r.Cases = append(r.Cases, *done)
		r.Notes = append(r.Notes, notes...)
	}
	return l.finish(r), nil
}

// plan tells the steps of the run to its progress.
func (l *Lab) plan() {
	cases := float64(len(l.scenario.Cases))
	simulated := cases * (float64(l.scenario.Seeds*l.scenario.Requests*(len(l.contenders(false))+2)) +
		float64(len(l.scenario.Sweep)*sweepRequests*(len(l.contenders(false))+1))) / simulatedPerSecond
	l.steps.begin(l.Takes() + time.Duration(simulated*float64(time.Second)))
}

// head is what is known before anything ran.
func (l *Lab) head() *report.Result {
	s := l.scenario
	r := &report.Result{
		Schema: report.Schema, Scenario: s.Name, Title: s.Title, About: s.About, Command: l.options.Command,
		Started: l.started, Machine: report.ThisMachine(), Versions: map[string]string{}, Requests: s.Requests, Rate: s.Rate,
		Balancers: s.Balancers, Measured: l.measured(), Notes: l.Notes(),
	}
	for name, p := range l.options.Programs {
		r.Versions[name] = p.Version
	}
	for i := range s.Seeds {
		r.Seeds = append(r.Seeds, l.options.Seed+uint64(i))
	}
	for _, e := range s.Endpoints {
		r.Endpoints = append(r.Endpoints, report.Endpoint{Name: e.Name, Capacity: e.Capacity, Share: e.Capacity / s.Capacity(), Slots: e.Slots})
	}
	return r
}

// Notes are what is known before the run of what its figures will not show.
func (l *Lab) Notes() []string {
	notes := slices.Clone(l.options.Notes)
	for _, c := range l.scenario.Unreached() {
		notes = append(notes, fmt.Sprintf("The run ends at %.3g s, before the change of %s at %.3g s: give it more requests.",
			l.scenario.Lasts().Seconds(), c.Endpoint, c.At.Seconds()))
	}
	return append(notes, l.groupsNote()...)
}

func (l *Lab) finish(r *report.Result) *report.Result {
	r.ElapsedSeconds = time.Since(l.started).Seconds()
	return r
}

func (l *Lab) capacities() []float64 {
	list := make([]float64, len(l.scenario.Endpoints))
	for i, e := range l.scenario.Endpoints {
		list[i] = e.Capacity
	}
	return list
}

// contenders are those that are measured, or else all that can be simulated.
func (l *Lab) contenders(measured bool) (list []scenario.Contender) {
	for _, c := range l.scenario.Contenders {
		switch {
		case measured && l.measured() && !c.Simulated && l.installed(c), !measured && c.Peer == "":
			list = append(list, c)
		}
	}
	return list
}

// installed says whether a contender's program is there.
func (l *Lab) installed(c scenario.Contender) bool {
	_, ok := l.options.Programs[programOf(c)]
	return ok
}

// runCase offers one kind of work to all. Notes are for people.
func (l *Lab) runCase(ctx context.Context, c scenario.Case) (done *report.Case, notes []string, err error) {
	traces, err := l.traces(c)
	if err != nil {
		return nil, nil, err
	}
	table := newTable(l.scenario, c, traces)
	central, err := l.simulate(ctx, c, traces, table)
	if err != nil {
		return nil, nil, err
	}
	sweep, err := l.sweep(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	if err := l.measure(ctx, c, traces, table); err != nil {
		return nil, nil, err
	}
	done = &report.Case{Name: c.Name, Work: c.Work, Balancers: c.Balancers, Theory: append(l.theory(c, traces), central...), Rows: table.rows(), Sweep: sweep}
	done.Target = target(c, done.Rows)
	return done, table.notes(c.Name), nil
}

// traces are one for each seed; a recorded one is the same for all.
func (l *Lab) traces(c scenario.Case) (list []trace.Trace, err error) {
	for i := range l.scenario.Seeds {
		var t trace.Trace
		if c.Work == "trace" {
			t, err = trace.Read(c.Trace)
		} else {
			t, err = trace.New(l.scenario.Traced(c, l.options.Seed+uint64(i)))
		}
		if err != nil {
			return nil, fmt.Errorf("case %s: %w", c.Name, err)
		}
		if len(t.Requests) > l.scenario.Requests {
			t.Requests = t.Requests[:l.scenario.Requests]
		}
		list = append(list, t)
	}
	return list, nil
}
