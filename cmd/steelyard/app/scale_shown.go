// Scaling as the admin API, metrics and KEDA show it.

package app

import (
	"math"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	"github.com/steelyard-proxy/steelyard/proxy/admin"
)

// show keeps what was decided for those who ask.
func (s *scaling) show(sample autoscale.Sample, d autoscale.Decision, lead bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.Direction != autoscale.Stay && (d.Direction != s.decision.Direction || d.Wanted != s.decision.Wanted) {
		s.made[d.Direction]++
	}
	s.sample, s.decision, s.lead = sample, d, lead
}

// state is what others may see, now.
func (s *scaling) state() scaleState {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.scaleState
	c.orders = append([]scaleOrder{}, s.orders...)
	return c
}

// scalings are those of all upstreams that have one.
func (f *fleet) scalings() (list []*scaling) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, u := range f.upstreams {
		if u.scaling != nil {
			list = append(list, u.scaling)
		}
	}
	return list
}

// one is what a replica can do, as the sample had it.
func (s *scaleState) one() float64 {
	if c := s.sample.Capacity; c > 0 {
		return c
	}
	return s.config.Capacity
}

// Scales implements admin.Autoscale.
func (f *fleet) Scales() (list []admin.Scale) {
	for _, s := range f.scalings() {
		list = append(list, s.shown())
	}
	return list
}

func (s *scaling) shown() admin.Scale {
	is := s.state()
	d, sample := &is.decision, &is.sample
	shown := admin.Scale{
		Upstream: s.upstream, Min: is.config.Min, Max: is.config.Max, Wanted: d.Wanted, Current: d.Now, Ready: sample.Ready, Coming: d.Coming, Draining: sample.Draining,
		WorkWaiting: figure(sample.Waiting / is.one()), Arriving: figure(d.Inputs["arriving"]), Reason: d.Reason, At: d.At.UTC(), Held: d.Held, Burst: d.Panic,
		StartTime: d.Inputs["start_s"], DryRun: is.config.DryRun, Leader: is.lead, Paused: is.pausedBy, Inputs: d.Inputs,
	}
	if !d.At.IsZero() {
		shown.Need = figure(d.Need)
	}
	if used, known := d.Inputs["utilization"]; known {
		shown.Utilization = &used
	}
	if is.config.Actuator != nil {
		shown.Actuator = is.config.Actuator.Kind
	}
	if is.count.err != nil {
		shown.Problem = is.count.err.Error()
	}
	for _, r := range is.count.Replicas {
		shown.Servers = append(shown.Servers, admin.ScaleServer{Name: r.Name, URL: r.URL, State: r.State.String(), Since: r.Since.UTC(), Problem: r.Problem})
	}
	for i := range is.orders {
		o := &is.orders[i]
		shown.LastOrders = append(shown.LastOrders, admin.ScaleOrder{ID: o.ID, At: o.at.UTC(), From: o.From, To: o.To, Victims: o.Victims, Reason: o.Reason, Result: o.result})
	}
	return shown
}

// Pause implements admin.Autoscale.
func (f *fleet) Pause(upstream string, on bool, reason string) bool {
	for _, s := range f.scalings() {
		if s.upstream == upstream {
			return s.pause(on, reason)
		}
	}
	return false
}

// scaleStates are what a scrape shows.
func (f *fleet) scaleStates() (list []metrics.ScaleState) {
	for _, s := range f.scalings() {
		is := s.state()
		d := &is.decision
		if d.At.IsZero() {
			continue
		}
		arriving, known := d.Inputs["arriving"]
		if !known {
			arriving = math.NaN()
		}
		list = append(list, metrics.ScaleState{
			Upstream: s.upstream, Wanted: d.Wanted, Now: d.Now, Coming: d.Coming, Draining: is.sample.Draining, Need: d.Need, Arriving: arriving,
			WaitingSeconds: is.sample.Waiting / is.one(), Out: is.made[autoscale.Out], In: is.made[autoscale.In],
			Acting: is.config.Actuator != nil && is.lead && is.pausedBy == "" && !is.config.DryRun,
		})
	}
	return list
}

// scaledUpstreams are the names of those that are scaled.
func (a *App) scaledUpstreams() (names []string) {
	for _, s := range a.fleet.scalings() {
		names = append(names, s.upstream)
	}
	return names
}

// scaleFigure is how many servers' worth of work an upstream has, for the autoscalers of others. active says that there is
// anything to do; known, that the figure is one; and found, that the upstream is scaled at all.
func (a *App) scaleFigure(upstream string) (need float64, active, known bool, why string, found bool) {
	for _, s := range a.fleet.scalings() {
		if s.upstream != upstream {
			continue
		}
		is := s.state()
		d := &is.decision
		old := time.Since(d.At) > max(3*is.config.Interval, 15*time.Second)
		if known = !d.At.IsZero() && !old && !math.IsNaN(d.Need); !known {
			return math.NaN(), true, false, d.Reason, true
		}
		active = d.Need > 0 || is.sample.WaitingRequests > 0 || is.sample.InFlight > 0
		return d.Need, active, true, d.Reason, true
	}
	return math.NaN(), false, false, "", false
}
