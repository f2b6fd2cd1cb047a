// The goroutines: one that steps, and one for each way to a receiver.

package dispatch

import (
	"context"
	"sync"
	"time"
)

// stepEvery is how often Run steps at least.
const stepEvery = time.Second

// runner is a Run under way.
type runner struct {
	ctx  context.Context
	all  sync.WaitGroup
	news chan struct{} // holds one
}

// Run tells receivers of alerts until ctx ends. What they were not told by then waits for the next Run, which
// another process may make: nothing is told in haste at the end.
func (d *Dispatcher) Run(ctx context.Context) error {
	r := &runner{ctx: ctx, news: make(chan struct{}, 1)}
	d.Begin()
	d.mu.Lock()
	d.runner = r
	d.begin()
	d.mu.Unlock()
	tick := time.NewTicker(stepEvery)
	defer tick.Stop()
	for {
		d.Step(d.now())
		select {
		case <-tick.C:
		case <-r.news:
		case <-ctx.Done():
			d.mu.Lock()
			d.runner = nil
			d.mu.Unlock()
			r.all.Wait()
			d.rest()
			d.save(true)
			return nil
		}
	}
}

// rest notes that no deliveries run any more, so that another Run begins them.
func (d *Dispatcher) rest() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.standings() {
		s.cancel = nil
	}
}

// Wake makes Run step soon: something has changed. It never waits.
func (d *Dispatcher) Wake() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.runner == nil {
		return
	}
	select {
	case d.runner.news <- struct{}{}:
	default:
	}
}

// begin starts the deliveries of receivers that have none yet. The caller holds mu.
func (d *Dispatcher) begin() {
	r := d.runner
	if r == nil {
		return
	}
	for _, f := range d.flows {
		if f.cancel != nil {
			continue
		}
		ctx, cancel := context.WithCancel(r.ctx)
		f.cancel = cancel
		r.all.Go(func() {
			defer f.Channel.Close()
			d.loop(ctx, f.news[0], func() bool { return d.deliver(ctx, f) })
		})
	}
	for _, m := range d.mirrors {
		if m.cancel != nil {
			continue
		}
		ctx, cancel := context.WithCancel(r.ctx)
		m.cancel = cancel
		for i, l := range m.lanes {
			r.all.Go(func() {
				defer l.mirror.Close()
				d.loop(ctx, m.news[i], func() bool { return d.tellMirror(ctx, m, l) })
			})
		}
	}
}

// loop delivers while there is something to deliver, whenever there is news. Each step is news, so that
// pauses end by themselves.
func (d *Dispatcher) loop(ctx context.Context, news <-chan struct{}, deliver func() bool) {
	for {
		for ctx.Err() == nil && deliver() {
		}
		select {
		case <-news:
		case <-ctx.Done():
			return
		}
	}
}

// Deliver tells receivers what is to be told now, one after another, for who steps by himself: Run does both.
func (d *Dispatcher) Deliver(ctx context.Context) {
	d.mu.Lock()
	flows, mirrors := d.flows, d.mirrors
	d.mu.Unlock()
	for _, f := range flows {
		for d.deliver(ctx, f) {
		}
	}
	for _, m := range mirrors {
		for _, l := range m.lanes {
			d.tellMirror(ctx, m, l)
		}
	}
}
