// All exporters, and the endpoints that follow them.

package resource

import (
	"context"
	"math"
	"sync"
	"time"
)

// Options say how exporters are asked. A value that is not positive stands for the default.
type Options struct {
	Interval time.Duration // from one question to the next; default 15s
	Timeout  time.Duration // of one; default 5s
}

func (o Options) withDefaults() Options {
	if o.Interval <= 0 {
		o.Interval = 15 * time.Second
	}
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	return o
}

// fresh is how long what was said counts.
func (o *Options) fresh() time.Duration { return 3 * max(o.Interval, o.Timeout) }

// Sink is told of an exporter that a node follows. It is not called before Run.
type Sink interface {
	// Lost tells once that nothing was heard for three intervals, and Heard that there is something again.
	Lost(url, why string)
	Heard(url string)
}

// Watch asks exporters, each once however many endpoints follow it.
type Watch struct {
	mu        sync.Mutex // guards all but exporters' own
	options   Options
	exporters map[string]*exporter
	ctx       context.Context // nil before Run
	ended     bool
	running   sync.WaitGroup
}

// New returns a watch. It asks nobody before Run.
func New(o Options) *Watch {
	return &Watch{options: o.withDefaults(), exporters: map[string]*exporter{}}
}

// Configure changes how exporters are asked, from the next question on.
func (w *Watch) Configure(o Options) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.options = o.withDefaults()
}

func (w *Watch) settings() Options {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.options
}

// Run asks until ctx ends. It returns nil.
func (w *Watch) Run(ctx context.Context) error {
	w.mu.Lock()
	w.ctx = ctx
	for _, e := range w.exporters {
		w.start(e)
	}
	w.mu.Unlock()
	<-ctx.Done()
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
	w.running.Wait()
	return nil
}

// start has an exporter asked, if Run runs. The caller holds mu.
func (w *Watch) start(e *exporter) {
	if w.ctx == nil || w.ended {
		return
	}
	ctx, cancel := context.WithCancel(w.ctx)
	e.cancel = cancel
	w.running.Go(func() { e.run(ctx, w) })
}

// Node is one endpoint, and the exporters that speak of its machine.
type Node struct {
	watch     *Watch
	of        Of
	sink      Sink
	exporters []*exporter // in the order of their URLs
}

// Follow has exporters asked for an endpoint, until End. Of says which part of the machine it has.
func (w *Watch) Follow(urls []string, of Of, sink Sink) *Node {
	n := &Node{watch: w, of: of, sink: sink}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, url := range urls {
		e := w.exporters[url]
		if e == nil {
			e = newExporter(url)
			w.exporters[url] = e
			w.start(e)
		}
		e.nodes[n] = true
		n.exporters = append(n.exporters, e)
	}
	return n
}

// End ends to follow. The sink may be told once more.
func (n *Node) End() {
	w := n.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range n.exporters {
		delete(e.nodes, n)
		if len(e.nodes) > 0 || w.exporters[e.url] != e {
			continue
		}
		delete(w.exporters, e.url)
		if e.cancel != nil {
			e.cancel()
		}
	}
}

// tell tells whoever follows an exporter what has changed.
func (w *Watch) tell(e *exporter, o *Options) {
	e.mu.Lock()
	s := e.source(time.Now(), o)
	lost := s.Stale && s.Age > o.fresh()
	changed := lost != e.lost
	e.lost = lost
	e.mu.Unlock()
	if !changed {
		return
	}
	w.mu.Lock()
	nodes := make([]*Node, 0, len(e.nodes))
	for n := range e.nodes {
		nodes = append(nodes, n)
	}
	w.mu.Unlock()
	for _, n := range nodes {
		if lost {
			n.sink.Lost(e.url, s.Failure)
		} else {
			n.sink.Heard(e.url)
		}
	}
}

// Source is one exporter of a node.
type Source struct {
	URL     string
	Age     time.Duration // of what it said last; since asking began where it never did
	Heard   bool          // it has said something
	Stale   bool          // that is too old to count, or there is nothing
	Failure string        // why there is nothing newer; "": nothing failed
}

// Report is what is known of a node now.
type Report struct {
	Figures
	Age     time.Duration // of the oldest source
	Stale   bool          // of one source at least; its figures are not known
	Sources []Source
}

// Report returns what is known now. Where several exporters tell of the same, the first one counts. It may be called
// from any goroutine.
func (n *Node) Report() Report {
	o, now := n.watch.settings(), time.Now()
	r := Report{Figures: unknown()}
	for _, e := range n.exporters {
		e.mu.Lock()
		s := e.source(now, &o)
		if !s.Stale {
			r.Figures.fill(e.figures(&n.of))
		}
		e.mu.Unlock()
		r.Age, r.Stale = max(r.Age, s.Age), r.Stale || s.Stale
		r.Sources = append(r.Sources, s)
	}
	return r
}

// fill takes over what is not known yet.
func (f *Figures) fill(more Figures) {
	into := func(known *float64, v float64) {
		if math.IsNaN(*known) {
			*known = v
		}
	}
	if math.IsNaN(f.Ratios[Disk]) {
		f.FullestDisk = more.FullestDisk
	}
	for i := range f.Ratios {
		into(&f.Ratios[i], more.Ratios[i])
	}
	if f.ReadOnly == "" {
		f.ReadOnly = more.ReadOnly
	}
	into(&f.OOMKills, more.OOMKills)
	into(&f.Temperature, more.Temperature)
	into(&f.Power, more.Power)
	into(&f.GPUError, more.GPUError)
}
