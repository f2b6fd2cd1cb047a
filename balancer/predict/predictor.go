package predict

import "sync/atomic"

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
}

// table is everything that is known at one time. It is not written once it is published.
type table struct {
	byModel map[string]*formula
	overall *formula
}

// New returns a Predictor that has seen nothing: it goes by the hints.
func New(o Options) *Predictor {
	o = o.withDefaults()
	p := &Predictor{options: o, rows: make(chan Row, o.Buffer)}
	p.table.Store(&table{overall: &unlearned})
	return p
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
