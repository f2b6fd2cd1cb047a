// The life of one replica: started, waited for, started again.

package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale/process/keeper"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// replica is one server, from the order for it to the order against it.
type replica struct {
	slot int
	name string
	stop chan struct{} // closed by Actuator.stop

	// The actuator's mu guards these.
	state   autoscale.State
	since   time.Time // in this state
	port    int       // 0: none yet
	server  server    // nil: no process
	problem string
	why     string // it stops
}

// stopping says whether it was asked to end. The caller holds the actuator's mu.
func (r *replica) stopping() bool { return r.state == autoscale.Stopping }

// shown is the replica as others see it. The caller holds the actuator's mu.
func (r *replica) shown() autoscale.Replica {
	s := autoscale.Replica{Name: r.name, Since: r.since, State: r.state, Problem: r.problem}
	if r.server != nil {
		s.URL = "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(r.port))
		if s.Problem == "" {
			s.Problem = r.server.Problem()
		}
	}
	return s
}

// live starts a replica, and again whenever it ends, until it is no longer wanted.
func (a *Actuator) live(r *replica) {
	defer a.forget(r)
	if r.server != nil && a.wait(r, r.server) { // of the program before this one
		return
	}
	select {
	case <-a.swept:
	case <-r.stop:
		return
	}
	for pause := leastPause; ; pause = min(2*pause, mostPause) {
		began := time.Now()
		s, err := a.launch(r)
		if errors.Is(err, errLent) || errors.Is(err, errUnwanted) {
			pause = leastPause / 2 // to look again soon
		} else if err != nil {
			a.fail(r, err.Error(), pause, nil)
		} else if a.wait(r, s) {
			return
		} else {
			if time.Since(began) >= wellAfter {
				pause = leastPause
			}
			how := s.How()
			a.fail(r, "it ended: "+how.How, pause, &how)
		}
		select {
		case <-time.After(pause):
		case <-r.stop:
			return
		}
	}
}

// wait waits for the end of a server, and reports whether that is the end of the replica here too.
func (a *Actuator) wait(r *replica, s server) (over bool) {
	select {
	case <-s.Ended():
	case <-r.stop:
		s.Stop()
		<-s.Ended()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	r.server = nil
	if a.left {
		return true
	}
	how := s.How()
	if !how.Told {
		a.mu.Unlock()
		a.endLeft(context.Background(), false) // its keeper was killed: whatever is left of the server is ended
		a.mu.Lock()
	}
	if !r.stopping() {
		return false
	}
	action := ""
	if how.Left > 0 {
		action = fmt.Sprintf("%d processes of it could not be killed", how.Left)
	}
	a.tell(event.ReplicaEnded, r, r.why, action, map[string]any{"how": how.How, "port": r.port})
	return true
}

var errUnwanted = errors.New("it is no longer wanted")

// launch starts the server.
func (a *Actuator) launch(r *replica) (server, error) {
	a.mu.Lock()
	switch {
	case a.left || a.closed || r.stopping():
		defer a.mu.Unlock()
		return nil, errUnwanted
	case a.lent:
		defer a.mu.Unlock()
		return nil, errLent
	}
	port := a.port(r)
	if port == 0 {
		defer a.mu.Unlock()
		return nil, fmt.Errorf("no port from %d to %d is free", a.settings.First, a.settings.Last)
	}
	r.port, r.state, r.since = port, autoscale.Starting, time.Now()
	plan := a.settings.plan(a.upstream, r.name, r.slot, port)
	a.mu.Unlock()
	s, err := a.o.start(plan)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	r.server, r.problem = s, ""
	if !r.stopping() {
		r.state, r.since = autoscale.Running, time.Now()
	}
	a.tell(event.ReplicaStarted, r, "", "its probes say when it is ready", map[string]any{"port": port, "pid": s.Pid(), "program": plan.Args[0]})
	a.notice()
	return s, nil
}

// fail notes why there is no process, and tells it.
func (a *Actuator) fail(r *replica, problem string, pause time.Duration, how *keeper.Ending) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.stopping() || a.left {
		return
	}
	evidence := map[string]any{"port": r.port}
	if how != nil && how.Output != "" {
		evidence["output"] = how.Output
	}
	if how != nil && how.Left > 0 {
		evidence["processes_left"] = how.Left
	}
	r.state, r.since, r.problem = autoscale.Failed, time.Now(), problem
	a.tell(event.ReplicaFailed, r, problem, "it is started again in "+pause.String(), evidence)
	a.notice()
}

// forget ends a replica, and lets one that waits for its slot have it.
func (a *Actuator) forget(r *replica) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.replicas[r.slot] == r {
		delete(a.replicas, r.slot)
	}
	a.grow()
	a.notice()
}
