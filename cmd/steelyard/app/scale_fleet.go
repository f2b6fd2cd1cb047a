// How a scaling meets the fleet: which endpoints are its servers, and which go.

package app

import (
	"context"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/discovery"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
)

// theActuator is the name of the source that an actuator is which knows where its servers are.
const theActuator = "actuator"

// knowsAddresses says whether an actuator's own account says where its servers are. Those of others are found by discovery.
func knowsAddresses(a *configs.Actuator) bool {
	return a != nil && (a.Kind == configs.ActuateProcess || a.Kind == configs.ActuateDocker)
}

// origin is where an endpoint comes from.
type origin struct {
	source string // "": the configuration lists it
	asked  bool   // its server is about to be stopped, as we asked
}

// scaled says whether whoever starts and stops servers has started this one.
func (o origin) scaled(c *configs.Scale) bool {
	if knowsAddresses(c.Actuator) {
		return o.source == theActuator
	}
	return o.source != ""
}

// origins are where the endpoints of an upstream come from, by name.
func (f *fleet) origins(upstream string) map[string]origin {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := map[string]origin{}
	if u := find(f.upstreams, upstream); u != nil {
		for _, m := range u.members {
			all[m.name] = origin{m.want.source, m.asked != ""}
		}
	}
	return all
}

// replicaOf is an endpoint as a foreman sees it.
func replicaOf(e *balancer.EndpointState, o origin) autoscale.Endpoint {
	arriving := e.Conditions&balancer.Arriving != 0
	out := e.Conditions&(balancer.ProbeFailed|balancer.Ejected|balancer.Draining) != 0 || e.Endpoint.Unreachable()
	return autoscale.Endpoint{
		Name: e.Endpoint.Name(), Ready: !arriving && !out, Broken: !arriving && out, Leaving: o.asked, Gone: e.Conditions&balancer.Departing != 0 && !o.asked,
		InFlight: int(e.Endpoint.Load().InFlight()),
	}
}

// asksOf is what the configuration says of servers that are started here.
func asksOf(c *configs.Scale) *finding {
	return &finding{config: configs.Discovery{
		Capacity: configs.Capacity{Value: c.Capacity, Auto: true}, Slots: configs.Slots{Value: c.Slots}, MaxGoneRatio: 1, InitialTimeout: c.Hold,
	}}
}

// holdFor is how long requests wait while an upstream that is scaled has no server, or only ones that start; 0: nobody
// starts any.
func holdFor(c *configs.Scale) time.Duration {
	if c == nil || c.Actuator != nil && c.DryRun || c.Actuator == nil && c.Min > 0 {
		return 0
	}
	return c.Hold
}

// depart switches whether an endpoint gets no more requests, as its server is to be stopped.
func (s *scaling) depart(endpoint string, on bool) {
	if _, err := s.fleet.depart(s.upstream, endpoint, on, "its server is stopped when its last request has ended: fewer are needed"); err != nil {
		s.fleet.log.Info("a server that was to be stopped is no longer there", zap.Error(err))
	}
}

// found gives the fleet the servers that an actuator says it has.
func (s *scaling) found(c *autoscale.Count) {
	list := discovery.List{Sure: true, Endpoints: []discovery.Endpoint{}}
	for _, r := range c.Replicas {
		if r.URL == "" || r.State == autoscale.Failed {
			continue
		}
		e := discovery.Endpoint{Name: r.Name, URL: r.URL, Departing: r.State == autoscale.Stopping}
		if !r.Since.IsZero() {
			e.ID = strconv.FormatInt(r.Since.UnixNano(), 36) // a server that is started again has nothing of the one before
		}
		list.Endpoints = append(list.Endpoints, e)
	}
	s.fleet.mu.Lock()
	sink := s.sink
	s.started = list.Endpoints
	s.fleet.mu.Unlock()
	if sink != nil {
		sink.Found(list)
	}
}

// replaceActuator ends the actuator, which stops what must not outlive it, and makes another. The caller holds mu.
func (f *fleet) replaceActuator(u *upstream, s *scaling, p *plan) {
	f.dismiss(u, s)
	if p.acts.config == nil {
		return
	}
	a, err := f.newActuator(u.name, &p.acts)
	if err != nil {
		f.log.Error("nobody starts or stops servers", zap.String("upstream", u.name), zap.Error(err))
		return
	}
	s.actuator = a
}

// dismiss ends the actuator of a scaling: its servers get no more requests, finish, and are stopped. Its source goes at once, so
// that another actuator of the upstream has one of its own. The caller holds mu, and reconciles the upstream.
func (f *fleet) dismiss(u *upstream, s *scaling) {
	if s.tending != nil {
		s.tending()
		s.tending = nil
	}
	a := s.actuator
	f.processes.dismiss(u.name, a)
	s.actuator, s.sink, s.started = nil, nil, nil
	u.dropSource(theActuator)
	s.mu.Lock()
	s.count = counted{}
	s.mu.Unlock()
	if a == nil || f.group == nil {
		return
	}
	var loads []*balancer.Load
	for _, m := range u.members {
		if m.want.source == theActuator {
			loads = append(loads, m.load.Load())
		}
	}
	s.mu.Lock()
	drain := s.config.DrainTimeout
	s.mu.Unlock()
	f.group.start("end the actuator of "+s.upstream, func(ctx context.Context) error {
		awaitDrained(ctx, loads, drain)
		f.closeActuator(s.upstream, a)
		return nil
	})
}

// awaitDrained waits until servers have nothing left to do, but no longer than they may take.
func awaitDrained(ctx context.Context, loads []*balancer.Load, most time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	ticker := time.NewTicker(knockEvery)
	defer ticker.Stop()
	for slices.ContainsFunc(loads, func(l *balancer.Load) bool { return l != nil && l.InFlight() > 0 }) {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
