// Servers that this process has started, for the one that takes over from it.

package app

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale/process"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// Kept is a server that a process has started and another goes on with.
type Kept struct {
	Note       string // which one it is, as JSON
	Descriptor int    // of the line to its keeper; New takes it over
}

// keptNote is what a note says.
type keptNote struct {
	Upstream string       `json:"upstream"`
	Server   process.Lent `json:"server"`
}

// processes are the actuators that run servers on this machine, and what the process before this one has left for them.
type processes struct {
	mu   sync.Mutex
	by   map[string]*process.Actuator // by upstream; guarded by mu
	gone []*process.Actuator          // those that another process was given when it was started; guarded by mu
	lent map[string][]process.Lent    // by upstream, until an actuator takes them; guarded by mu
}

// readKept is servers by upstream. A line that nobody understands is closed, which ends its server.
func readKept(all []Kept) map[string][]process.Lent {
	by := map[string][]process.Lent{}
	for _, k := range all {
		var note keptNote
		if json.Unmarshal([]byte(k.Note), &note) != nil {
			_ = syscall.Close(k.Descriptor)
			continue
		}
		note.Server.Descriptor = k.Descriptor
		by[note.Upstream] = append(by[note.Upstream], note.Server)
	}
	return by
}

// actuator makes one, which goes on with the servers that are there.
func (p *processes) actuator(upstream string, s process.Settings, events *event.Log) *process.Actuator {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := process.New(upstream, s, process.Options{Events: events, Given: p.lent[upstream]})
	delete(p.lent, upstream)
	if p.by == nil {
		p.by = map[string]*process.Actuator{}
	}
	p.by[upstream] = a
	return a
}

// endLent ends the servers that no actuator has taken: their upstream is gone, or is scaled by somebody else now.
func (p *processes) endLent() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, list := range p.lent {
		for _, l := range list {
			_ = syscall.Close(l.Descriptor)
		}
	}
	p.lent = nil
}

// leave lets the process that has taken over have the servers that it was given.
func (p *processes) leave() {
	p.mu.Lock()
	gone := p.gone
	p.mu.Unlock()
	for _, a := range gone {
		a.Leave()
	}
}

// lend is the actuators whose servers another process is to have.
func (p *processes) lend() map[string]*process.Actuator {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = slices.Collect(maps.Values(p.by))
	return maps.Clone(p.by)
}

// keep leaves all to this process.
func (p *processes) keep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.gone {
		a.Keep()
	}
	p.gone = nil
}

// dismiss says that an actuator is ended here: its servers stay this process's own, which stops them when they have nothing
// to do, and no other process is given them.
func (p *processes) dismiss(upstream string, a autoscale.Actuator) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.by[upstream] == a {
		delete(p.by, upstream)
	}
}

// lendTime bounds how long a start that is under way is waited for.
const lendTime = 5 * time.Second

// Keep gives the servers that this process has started to another one: it starts and ends none any more, until back is called.
func (a *App) Keep() (all []Kept, back func()) {
	ctx, cancel := context.WithTimeout(context.Background(), lendTime)
	defer cancel()
	for upstream, p := range a.fleet.processes.lend() {
		for _, l := range p.Lend(ctx) {
			note, err := json.Marshal(keptNote{upstream, l})
			if err != nil {
				_ = syscall.Close(l.Descriptor)
				continue
			}
			all = append(all, Kept{string(note), l.Descriptor})
		}
	}
	return all, a.fleet.processes.keep
}
