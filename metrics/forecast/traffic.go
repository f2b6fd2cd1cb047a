// Finished requests as the series of each upstream.

package forecast

import (
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

const (
	// grace is how long a step waits for its requests to end. Those that end later are added to it all the same.
	grace = time.Minute
	// lateFor is how long ago a request may have come to be added.
	lateFor = time.Hour
	// mostUpstreams bounds the memory: names come from the configuration, but over reloads there may be many.
	mostUpstreams = 256
)

// Traffic is what comes to each upstream: distinct tries, and their predicted work, per second.
type Traffic struct {
	options Options

	// looking guards all series, and is taken before mu. A look at them takes long, and requests do not wait for it.
	looking sync.Mutex
	now     int64 // the newest step that is not over; 0: no Step yet
	begun   bool  // the step that is not over was watched from its begin

	mu        sync.Mutex // guards what follows, and the counts of all upstreams
	upstreams map[string]*upstream
	last      *upstream // that a request was of; nil: it may have gone
	dropped   uint64
}

// upstream is one upstream's series.
type upstream struct {
	name           string
	arrivals, work *Series
	open, late     map[int64]*counts // by step: those that are not over, and what has come since of those that are
	next           int64             // the first step that is not over
}

// counts are of one step.
type counts struct{ arrivals, work, ended, failed float64 }

// New is traffic of which nothing is known.
func New(o Options) *Traffic {
	return &Traffic{options: o.withDefaults(), upstreams: map[string]*upstream{}}
}

// Add counts a request that has ended. A retry is no demand of its own.
func (t *Traffic) Add(r *usage.Row) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.add(r)
}

// AddAll is Add for each of the rows.
func (t *Traffic) AddAll(rows []usage.Row) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range rows {
		t.add(&rows[i])
	}
}

func (t *Traffic) add(r *usage.Row) {
	if r.Upstream == "" {
		return
	}
	u := t.last
	if u == nil || u.name != r.Upstream {
		if u = t.of(r.Upstream); u == nil {
			t.dropped++
			return
		}
		t.last = u
	}
	step := u.arrivals.calendar.number(r.At)
	work := r.Work
	if !(work > 0) || math.IsInf(work, 0) {
		work = 1 // a multiple of the mean
	}
	of := u.open
	if step < u.next {
		if of = u.late; r.Response > lateFor || r.Retry > 0 {
			return
		}
	}
	c := of[step]
	if c == nil {
		c = &counts{}
		of[step] = c
	}
	c.ended++
	if wentWrong(r) {
		c.failed++
	}
	if r.Retry == 0 {
		c.arrivals++
		c.work += work
	}
}

// wentWrong says whether a request ended badly through no doing of its client.
func wentWrong(r *usage.Row) bool { return r.Status >= 500 || r.Failure != "" && r.Status != 499 }

// of is the upstream of a name; nil: there are too many.
func (t *Traffic) of(name string) *upstream {
	u := t.upstreams[name]
	if u == nil {
		if len(t.upstreams) >= mostUpstreams {
			return nil
		}
		u = &upstream{name: name, arrivals: NewSeries(t.options), work: NewSeries(t.options), open: map[int64]*counts{}, late: map[int64]*counts{}}
		t.upstreams[name] = u
	}
	return u
}

// Keep forgets all upstreams but these, and begins those that are new.
func (t *Traffic) Keep(names []string) {
	t.looking.Lock()
	defer t.looking.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = nil
	maps.DeleteFunc(t.upstreams, func(name string, _ *upstream) bool { return !slices.Contains(names, name) })
	for _, name := range names {
		t.of(name)
	}
}

// Step ends the steps that are over. A jump of the clock leaves a gap, or nothing to do until it is as late again.
func (t *Traffic) Step(now time.Time) {
	t.looking.Lock()
	defer t.looking.Unlock()
	c := calendar{t.options.Step, t.options.Location, t.options.perDay()}
	current := c.number(now.Add(-grace))
	if t.now == 0 {
		t.now = current
		return // this step was seen in part only, and is a gap
	}
	if current > t.now+int64(2*time.Hour/t.options.Step) { // nobody watched
		t.now, t.begun = current, false
		return
	}
	upstreams := t.all()
	for _, u := range upstreams {
		t.correct(u)
	}
	for ; t.now < current; t.now++ {
		for _, u := range upstreams {
			t.end(u, t.now, c)
		}
		t.begun = true
	}
}

// all are the upstreams, by name.
func (t *Traffic) all() map[string]*upstream {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.upstreams)
}

// correct adds what has come late.
func (t *Traffic) correct(u *upstream) {
	t.mu.Lock()
	late := u.late
	if len(late) > 0 {
		u.late = map[int64]*counts{}
	}
	t.mu.Unlock()
	seconds := t.options.Step.Seconds()
	for step, c := range late {
		at := u.arrivals.calendar.starts(step)
		u.arrivals.Correct(at, c.arrivals/seconds)
		u.work.Correct(at, c.work/seconds)
	}
}

// end closes a step of an upstream.
func (t *Traffic) end(u *upstream, step int64, c calendar) {
	t.mu.Lock()
	seen := u.open[step]
	u.next = step + 1
	maps.DeleteFunc(u.open, func(open int64, _ *counts) bool { return open <= step })
	t.mu.Unlock()
	at, size := c.starts(step), t.options.Step
	if seen == nil {
		seen = &counts{}
	}
	arrivals, work := seen.arrivals/size.Seconds(), seen.work/size.Seconds()
	if !t.begun || seen.failed > seen.ended/2 {
		arrivals, work = math.NaN(), math.NaN()
	}
	u.arrivals.Add(at, arrivals)
	u.work.Add(at, work)
}

// Past gives an upstream values of before, oldest first, such as those of a file; later ones than Step has seen are left out.
func (t *Traffic) Past(upstreamName string, at time.Time, arrivals, work float64) bool {
	t.looking.Lock()
	defer t.looking.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.of(upstreamName)
	if u == nil || !u.arrivals.Add(at, arrivals) || !u.work.Add(at, work) {
		return false
	}
	u.next = u.arrivals.ring.next
	return true
}

// UpstreamOutlook is what is foretold for one upstream.
type UpstreamOutlook struct {
	Upstream       string
	Arrivals, Work Outlook // per second
}

// Outlooks are those of all upstreams, by name.
func (t *Traffic) Outlooks() (list []UpstreamOutlook) {
	t.looking.Lock()
	defer t.looking.Unlock()
	upstreams := t.all()
	for _, name := range slices.Sorted(maps.Keys(upstreams)) {
		u := upstreams[name]
		list = append(list, UpstreamOutlook{name, u.arrivals.Look(), u.work.Look()})
	}
	return list
}

// Ahead is the range of an upstream's work per second at a horizon; NaN where nothing is known. Who scales can take
// its P95 as a floor.
func (t *Traffic) Ahead(upstreamName string, horizon int) (arrivals, work Range) {
	t.looking.Lock()
	defer t.looking.Unlock()
	u := t.all()[upstreamName]
	if u == nil {
		none := Range{math.NaN(), math.NaN(), math.NaN()}
		return none, none
	}
	return u.arrivals.Ahead(horizon), u.work.Ahead(horizon)
}

// Upstreams are the names of those that something is foretold of.
func (t *Traffic) Upstreams() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.upstreams))
}

// Dropped is how many requests were not counted, of upstreams beyond the most.
func (t *Traffic) Dropped() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.dropped
}
