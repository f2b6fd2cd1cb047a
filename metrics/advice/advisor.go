// The advisor: hears requests, thinks now and then, and holds what came of it.

package advice

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// Every is how often an advisor thinks.
const Every = 5 * time.Minute

// tellAgain is for how long Told does not hear of an advice again that has come and gone.
const tellAgain = 24 * time.Hour

// Options are what an Advisor needs.
type Options struct {
	// Replay serves recorded requests once more; nil: nothing that needs it is advised.
	Replay Replay
	// OfLog says that the requests are those of a request log: it has none that were refused, and does not say which are retries.
	OfLog bool
	// Told hears each advice that something should be changed, once, from the goroutine of Step; nil: nobody does.
	Told func(Advice)
}

// Advisor is safe for concurrent use, Step apart: it is for one goroutine.
type Advisor struct {
	options Options

	mu        sync.Mutex // guards what follows; held for moments
	order     []string   // of upstreams, as configured
	upstreams map[string]*stream
	advice    []Advice
	known     map[string]time.Time // since when an advice is told, by ID
	told      map[string]time.Time // when Told last heard of one, by ID
}

// New returns an Advisor that knows nothing yet.
func New(o Options) *Advisor {
	return &Advisor{options: o, upstreams: map[string]*stream{}, known: map[string]time.Time{}, told: map[string]time.Time{}}
}

// Configure says what is configured from now on. Upstreams that are not named are forgotten.
func (a *Advisor) Configure(upstreams []Upstream) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.upstreams
	a.order, a.upstreams = nil, map[string]*stream{}
	for _, u := range upstreams {
		s := before[u.Name]
		if s == nil {
			s = newStream(a.options.OfLog)
		}
		s.configure(u)
		s.log.resize(max(min(Recorded, recordedInAll/len(upstreams)), recordedLeast))
		a.order, a.upstreams[u.Name] = append(a.order, u.Name), s
	}
	a.advice = slices.DeleteFunc(a.advice, func(one Advice) bool { return a.upstreams[one.Upstream] == nil })
}

// Foresee says what traffic is foreseen from now on.
func (a *Advisor) Foresee(upstream string, f Forecast) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.upstreams[upstream]; s != nil {
		s.foreseen = f
	}
}

// Add hears of a finished request.
func (a *Advisor) Add(r *usage.Row) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.upstreams[r.Upstream]; s != nil {
		s.add(r)
	}
}

// AddAll is Add for each of the rows.
func (a *Advisor) AddAll(rows []usage.Row) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var s *stream
	for i := range rows {
		r := &rows[i]
		if i == 0 || r.Upstream != rows[i-1].Upstream {
			s = a.upstreams[r.Upstream]
		}
		if s != nil {
			s.add(r)
		}
	}
}

// Advice is what came of the last Step: of each upstream in order, and of each kind.
func (a *Advisor) Advice() []Advice {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.advice)
}

// Step looks at all that is known.
func (a *Advisor) Step(now time.Time) {
	var all []Advice
	for _, name := range a.names() {
		all = append(all, a.look(name, now)...)
	}
	fresh := a.keep(all, now)
	if a.options.Told != nil {
		for _, one := range fresh {
			a.options.Told(one)
		}
	}
}

func (a *Advisor) names() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.order)
}

// keep holds what was found, and returns what is advised now and was not before.
func (a *Advisor) keep(all []Advice, now time.Time) (fresh []Advice) {
	a.mu.Lock()
	defer a.mu.Unlock()
	known := map[string]time.Time{}
	for i := range all {
		one := &all[i]
		since, before := a.known[one.ID]
		if !before {
			since = now
		}
		one.Since, known[one.ID] = since, since
		last, heard := a.told[one.ID]
		if one.Status == Advised && (!heard || !before && now.Sub(last) >= tellAgain) {
			fresh = append(fresh, *one)
			a.told[one.ID] = now
		}
	}
	maps.DeleteFunc(a.told, func(id string, at time.Time) bool {
		_, still := known[id]
		return !still && now.Sub(at) >= tellAgain
	})
	a.known, a.advice = known, all
	return fresh
}
