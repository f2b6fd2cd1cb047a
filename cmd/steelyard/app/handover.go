// Handing over to another process, and taking over from one.

package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/metrics/event"
	"github.com/steelyard-proxy/steelyard/proxy/front"
)

// OnBegin names what Run calls when the first probes are done, before anything is served. If it
// fails nothing is, and Run returns its error. Call it before Run.
func (a *App) OnBegin(f func(context.Context) error) { a.begin = f }

// OnServing names what Run calls when all listeners are served. Call it before Run.
func (a *App) OnServing(f func()) { a.whenServing = f }

func (a *App) serving() {
	a.fleet.processes.endLent()
	for _, l := range a.clients {
		front.OwnFile(l.Listener)
	}
	if a.admin != nil {
		front.OwnFile(a.admin)
	}
	if a.whenServing != nil {
		a.whenServing()
	}
}

// Events is where what happens is published.
func (a *App) Events() *event.Log { return a.events }

// OwnFiles says whether the files that this process writes are its own. Another process that
// takes over reads and writes them too: what was learned is saved for it once, and then no more, and the
// request log is left to it to rotate.
func (a *App) OwnFiles(ours bool) {
	if a.requests != nil {
		a.requests.Share(!ours, ours)
	}
	a.analysis.own(ours)
	if !ours {
		a.notify.own(false) // what was told is on disk before another process reads it
	}
	if err := a.alerts.store.Own(ours); err != nil {
		a.log.Warn("alerts", zap.Error(err))
	}
	if ours {
		a.notify.own(true)
	}
	a.fleet.mu.Lock()
	learners := a.fleet.learners()
	a.fleet.mu.Unlock()
	for _, l := range learners {
		if !ours {
			l.save()
		}
		l.replaced.Store(!ours)
	}
}

// Alone says that no process that this one has replaced writes to its request log any more.
func (a *App) Alone() {
	if a.requests != nil {
		a.requests.Share(false, true)
	}
}

// Own is how many requests of this process are in flight at each server.
func (a *App) Own() map[string]int64 { return a.fleet.loads.Own() }

// SetElsewhere tells what the processes that this one has replaced still have in flight at each server,
// and how many requests wait there for a server, by upstream.
func (a *App) SetElsewhere(processes int, load map[string]int64, waiting map[string]int) {
	a.shared.replaces(load)
	a.fleet.waiting.Store(&waiting)
	total := int64(0)
	for _, n := range load {
		total += n
	}
	a.metrics.Replaced(processes, total)
}

// Drained is an endpoint that an operator drains.
type Drained struct{ Upstream, Endpoint, Reason string }

// Drains are the endpoints that operators drain.
func (a *App) Drains() (all []Drained) {
	for _, s := range a.fleet.snapshots() {
		for _, e := range s.Endpoints {
			if r := draining(&e); r != nil {
				all = append(all, Drained{s.Upstream, e.Endpoint.Name(), r.Text})
			}
		}
	}
	return all
}

// Drain drains an endpoint; one that is not there is left out.
func (a *App) Drain(d Drained) {
	if _, err := a.fleet.Drain(d.Upstream, d.Endpoint, true, d.Reason); err != nil {
		a.log.Info("an endpoint that was drained is no longer there", zap.String("upstream", d.Upstream), zap.String("endpoint", d.Endpoint))
	}
}

// HandOver says that another process serves on our sockets now. Run then serves what this one has to its end.
func (a *App) HandOver() { close(a.replaced) }

// retire is the end of a process that another has replaced. It has no limit but
// timeouts.upgrade_drain, until ctx ends: then it is a shutdown like any other.
func (a *App) retire(ctx context.Context, endAdmin func()) {
	if a.admin != nil {
		front.KeepFile(a.admin)
	}
	endAdmin()
	a.events.Close() // nobody shall be told twice, by webhooks neither
	a.shared.leave()
	a.fleet.leaveRecovery()
	a.fleet.leaveScaling()
	a.fleet.processes.leave()
	a.alerts.leave()
	a.notify.own(false)
	a.mu.Lock()
	t := a.config.Timeouts
	a.mu.Unlock()
	limit, cancel := ctx, context.CancelFunc(func() {})
	if t.UpgradeDrain > 0 {
		limit, cancel = context.WithTimeout(ctx, t.UpgradeDrain)
	}
	defer cancel()
	a.front.Retire(limit)
	last := time.Duration(0)
	if ctx.Err() != nil {
		last = t.Shutdown
	}
	rest, stop := context.WithTimeout(context.Background(), last)
	defer stop()
	if err := a.front.Shutdown(rest); err != nil && limit.Err() != nil {
		a.log.Warn("cut what had not finished in time", zap.Duration("timeouts.upgrade_drain", t.UpgradeDrain), zap.Bool("told to stop", ctx.Err() != nil))
	}
	a.stopping.Store(true)
}

// leaveScaling starts and stops no more servers: another process does. Those that there are stay.
func (f *fleet) leaveScaling() {
	for _, s := range f.scalings() {
		f.mu.Lock()
		for _, end := range []context.CancelFunc{s.ending, s.tending} {
			if end != nil {
				end()
			}
		}
		f.mu.Unlock()
	}
}

// leaveRecovery takes no more actions to get endpoints back: another process does.
func (f *fleet) leaveRecovery() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, u := range f.upstreams {
		u.setRecovery(wantedRecovery{})
	}
}
