package predict

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync/atomic"
)

// Options of a Predictor; zero values take the defaults.
type Options struct {
	MaxModels int    // how many models are told apart; 64. The least recently finished one leaves for another
	MinRows   int    // good rows of a model before anything but its hints is used; 200
	MaxRows   int    // recent good rows kept of each model, 24 bytes each; 5120
	Buffer    int    // rows that wait for Run; 4096. More are dropped, and counted
	Seed      uint64 // of the order in which rows are learned
}

func (o Options) withDefaults() Options {
	for value, standard := range map[*int]int{&o.MaxModels: 64, &o.MinRows: 200, &o.MaxRows: 5120, &o.Buffer: 4096} {
		if *value <= 0 {
			*value = standard
		}
	}
	return o
}

// mostName is how long the name of a model may be that is learned apart from the others.
const mostName = 256

// Predictor predicts the work of requests and learns from those that are finished.
type Predictor struct {
	options Options
	rows    chan Row              // written by Finished, read by Run
	dropped atomic.Uint64         // rows that found it full; written by Finished
	table   atomic.Pointer[table] // replaced by Run, and by Load before it

	// What follows belongs to the goroutine of Run, and to Load before it.
	random  *rand.Rand
	overall *learner
	models  map[string]*learner
	evicted uint64 // models that left for others
	changed bool   // since the table was published
}

// table is everything that is known at one time. It is not written once it is published.
type table struct {
	byModel map[string]*formula // of the models that are ready
	overall *formula
	entries []entry // all together first, then the models by name
	evicted uint64
}

// New returns a Predictor that has seen nothing: it goes by the hints.
func New(o Options) *Predictor {
	o = o.withDefaults()
	p := &Predictor{
		options: o, rows: make(chan Row, o.Buffer), random: newRandom(o.Seed),
		overall: newLearner("", &o), models: make(map[string]*learner),
	}
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
	for i := range t.entries[1:] {
		if e := &t.entries[1+i]; e.ready {
			t.byModel[e.model] = &e.formula
		}
	}
	p.table.Store(t)
	p.changed = false
}

// Work predicts the work of a request to a model, finite and above zero. Any goroutine may
// call it: it takes no lock, allocates nothing and does not keep the name.
func (p *Predictor) Work(model []byte, f Features) float64 {
	t := p.table.Load()
	if known := t.byModel[string(model)]; known != nil {
		return known.work(f)
	}
	return t.overall.work(f)
}

// Finished hands over a finished request to learn from. Any goroutine may call it: it never
// waits. Rows that come faster than they can be taken are dropped and counted.
func (p *Predictor) Finished(row Row) {
	select {
	case p.rows <- row:
	default:
		p.dropped.Add(1)
	}
}
