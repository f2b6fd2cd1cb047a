// Another program takes over from this one, and goes on with its servers.

package process

import (
	"context"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale/process/keeper"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// Lent is a running server for another program.
type Lent struct {
	Slot       int       `json:"slot"`
	Port       int       `json:"port"`
	Pid        int       `json:"pid"`
	Since      time.Time `json:"since"`
	Descriptor int       `json:"-"` // of its line; the taker's to close
}

const lookAgain = 10 * time.Millisecond

// Lend gives copies of all running servers to a program that is about to take over. From now on nothing is started or
// stopped, until Keep or Leave. It waits for starts that are under way, until ctx ends.
func (a *Actuator) Lend(ctx context.Context) (all []Lent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lent = true
	for a.starts() && ctx.Err() == nil {
		a.mu.Unlock()
		select {
		case <-time.After(lookAgain):
		case <-ctx.Done():
		}
		a.mu.Lock()
	}
	for _, slot := range a.slots() {
		r := a.replicas[slot]
		if r.server == nil || r.stopping() {
			continue
		}
		if fd, err := r.server.Copy(); err == nil {
			all = append(all, Lent{Slot: slot, Port: r.port, Pid: r.server.Pid(), Since: r.since, Descriptor: fd})
		}
	}
	return all
}

// starts says whether some server is just being started. The caller holds mu.
func (a *Actuator) starts() bool {
	for _, r := range a.replicas {
		if r.state == autoscale.Starting && r.server == nil && r.port != 0 {
			return true
		}
	}
	return false
}

// Keep goes on as before: nobody has taken over.
func (a *Actuator) Keep() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lent = false
	a.grow()
}

// Leave lets the other program have the servers: whatever becomes of them is its own affair.
func (a *Actuator) Leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.left = true
	for _, r := range a.replicas {
		if r.server != nil {
			r.server.Leave()
		}
		if !r.stopping() {
			close(r.stop)
			r.state = autoscale.Stopping
		}
	}
}

// take goes on with a server of the program before this one. It is for New.
func (a *Actuator) take(l Lent) {
	r := &replica{slot: l.Slot, name: autoscale.NameOf(a.upstream, l.Slot), since: l.Since, port: l.Port, stop: make(chan struct{})}
	k, err := keeper.Take(l.Descriptor, l.Pid)
	if err != nil {
		a.tell(event.ReplicaFailed, r, "it cannot be taken over: "+err.Error(), "it ends", map[string]any{"pid": l.Pid})
		return
	}
	r.server, r.state = k, autoscale.Running
	a.wanted++
	a.replicas[r.slot] = r
	a.living.Go(func() { a.live(r) })
}
