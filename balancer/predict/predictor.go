// The predictor: what requests ask for their predicted work.

package predict

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"
)

// Options of a Predictor; zero values take the defaults.
type Options struct {
	MaxModels int    // how many models are learned apart; 64
	MinRows   int    // good rows of a model before anything but its hints is used; 200
	MaxRows   int    // recent good rows kept of each model, 24 bytes each; 5120
	MaxRate   int    // about how many rows/s are learned from; 2000. Of more rows a part is drawn at random
	Buffer    int    // rows that wait for Run; 4096. More are dropped
	Seed      uint64 // of the order in which rows are learned
}

// leastRows is how many good rows are needed for more than the hints: in fewer, noise looks like
// a rule.
const leastRows = 200

func (o Options) withDefaults() Options {
	for value, standard := range map[*int]int{&o.MaxModels: 64, &o.MinRows: leastRows, &o.MaxRows: 5120, &o.MaxRate: 2000, &o.Buffer: 4096} {
		if *value <= 0 {
			*value = standard
		}
	}
	return o
}

// Predictor predicts the work of requests and learns from those that are finished. With the
// default Options it takes 9 MiB at most, if there are as many models as may be.
type Predictor struct {
	options Options
	rows    chan Row              // written by Finished, read by Run
	offered atomic.Uint64         // rows since Run looked last; written by Finished and Run
	chance  atomic.Uint32         // of a row to be taken; everyRow is certainty; written by Run
	dropped atomic.Uint64         // rows that were not taken; written by Finished
	table   atomic.Pointer[table] // replaced by Run, and by Load before it
	memory  memory
	others  atomic.Pointer[[]heard] // what other gateways have learned; nil: nothing was heard; written by Hear

	// What follows belongs to the goroutine of Run, or to who calls Look in its place, and to Load before it.
	random    *rand.Rand
	pause     func()    // called while it learns, to let others have the core
	looks     int       // calls of Look
	taken     time.Time // when rows were taken last
	searched  time.Time // when a model searched last
	overall   *learner
	models    map[string]*learner
	newcomers newcomers
	evicted   uint64   // models that left for others
	changed   bool     // something has, since the table was published
	counted   *[]heard // what of others is in the table
}

// table is everything that is known at one time. It is not written once it is published.
type table struct {
	byModel map[string]*formula // of the models that are ready
	overall *formula
	mean    float64 // of the work of all, > 0
	entries []entry // all together first, then the models by name
	evicted uint64
}

// New returns a Predictor that has seen nothing: it goes by the hints.
func New(o Options) *Predictor {
	o = o.withDefaults()
	p := &Predictor{
		options: o, rows: make(chan Row, o.Buffer), random: newRandom(o.Seed), pause: func() {},
		overall: newLearner("", &o), models: make(map[string]*learner), newcomers: make(newcomers),
	}
	p.chance.Store(everyRow)
	p.publish()
	return p
}

// publish replaces the table by what is known now.
func (p *Predictor) publish() {
	t := &table{byModel: make(map[string]*formula, len(p.models)), evicted: p.evicted}
	t.entries = append(make([]entry, 0, 1+len(p.models)), p.overall.entry)
	for _, name := range slices.Sorted(maps.Keys(p.models)) {
		t.entries = append(t.entries, p.models[name].entry)
	}
	t.overall = &t.entries[0].formula
	t.mean = t.overall.mean
	for i := range t.entries[1:] {
		if e := &t.entries[1+i]; e.ready {
			t.byModel[e.model] = &e.formula
		}
	}
	p.counted = p.others.Load()
	p.withOthers(t)
	p.table.Store(t)
	p.changed = false
}

// Work predicts the work of a request to a model, finite and above zero. One that says
// nothing of its size, with neither a prompt nor max_tokens, is taken for the mean. Any
// goroutine may call it: it takes no lock, allocates nothing and does not keep the name.
func (p *Predictor) Work(model []byte, f Features) float64 {
	t := p.table.Load()
	if known := t.byModel[string(model)]; known != nil {
		return known.work(f)
	}
	return t.overall.work(f)
}

// Size is Work as a multiple of the mean of all requests. It has no unit, so that it means the
// same before anything was learned, when work is in tokens, and after.
func (p *Predictor) Size(model []byte, f Features) float64 {
	t := p.table.Load()
	if known := t.byModel[string(model)]; known != nil {
		return known.work(f) / t.mean
	}
	return t.overall.work(f) / t.mean
}

// Finished hands over a finished request to learn from. Any goroutine may call it: it never
// waits. Rows that come faster than they are learned from are dropped and counted.
func (p *Predictor) Finished(row Row) {
	p.offered.Add(1)
	if chance := p.chance.Load(); chance < everyRow && rand.Uint32() >= chance {
		p.dropped.Add(1)
		return
	}
	select {
	case p.rows <- row:
	default:
		p.dropped.Add(1)
	}
}
