// What machines say of themselves: who asks them, and what hears of it.

package app

import (
	"math"
	"reflect"
	"strconv"

	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/health/resource"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	"github.com/steelyard-proxy/steelyard/metrics/event"
	"github.com/steelyard-proxy/steelyard/proxy/admin"
)

// machine is who tells of an endpoint's machine, and what part of it the endpoint has.
type machine struct {
	urls []string // none: nobody does
	of   resource.Of
}

// wantMachine is what the configuration asks of an endpoint with that host: its own, or else the upstream's.
func wantMachine(upstream, own *configs.Exporters, host string) (m machine) {
	asked := own
	if asked == nil {
		asked = upstream
	}
	if asked == nil {
		return m
	}
	m.urls, m.of.Mounts = asked.For(host), asked.Mounts
	for _, n := range asked.GPUs {
		m.of.GPUs = append(m.of.GPUs, strconv.Itoa(n))
	}
	return m
}

// observe has the member's machine asked as its endpoint wants. The caller holds mu.
func (m *member) observe(watch *resource.Watch, want machine) {
	if reflect.DeepEqual(m.machine, want) {
		return
	}
	m.machine = want
	old := m.node.Load()
	if len(want.urls) > 0 {
		m.node.Store(watch.Follow(want.urls, want.of, observing{m}))
	} else {
		m.node.Store(nil)
	}
	if old != nil { // after the new one follows, so that what was heard is not forgotten
		old.End()
	}
}

// endObserving stops asking. The caller holds mu.
func (m *member) endObserving() {
	if n := m.node.Swap(nil); n != nil {
		n.End()
	}
}

// observing hears of the exporters of a member's machine.
type observing struct{ *member }

// Lost implements resource.Sink.
func (o observing) Lost(url, why string) {
	o.tell(event.ResourceLost, url+": "+why, "what it said before counts no more")
}

// Heard implements resource.Sink.
func (o observing) Heard(url string) { o.tell(event.ResourceBack, url, "") }

func (o observing) tell(kind event.Kind, cause, action string) {
	o.transitions.events.Publish(event.Event{
		Kind: kind, Upstream: o.transitions.upstream, Endpoint: o.name, Cause: cause, Action: action,
	})
}

// resourcesOf is how the machines of an upstream fare: of each resource the mean over the endpoints of which it is known.
func (f *fleet) resourcesOf(upstream string) (list []autoscale.Resource) {
	var sums [resource.Resources]float64
	var known [resource.Resources]int
	for _, u := range f.all() {
		if u.name != upstream {
			continue
		}
		for _, m := range u.members {
			n := m.node.Load()
			if n == nil {
				continue
			}
			for i, v := range n.Report().Ratios {
				if !math.IsNaN(v) {
					sums[i] += v
					known[i]++
				}
			}
		}
	}
	for i := range resource.Resources {
		one := autoscale.Resource{Metric: i.String(), Value: math.NaN()}
		if known[i] > 0 {
			one.Value = sums[i] / float64(known[i])
		}
		list = append(list, one)
	}
	return list
}

// resources is what a scrape shows of all machines that are asked.
func (f *fleet) resources() (list []metrics.ResourceState) {
	for _, u := range f.all() {
		for _, m := range u.members {
			n := m.node.Load()
			if n == nil {
				continue
			}
			r := n.Report()
			s := metrics.ResourceState{
				Upstream: u.name, Endpoint: m.name, Age: r.Age, Stale: r.Stale, ReadOnly: r.ReadOnly != "",
				OOMKills: r.OOMKills, Temperature: r.Temperature, Power: r.Power, GPUError: r.GPUError,
			}
			for i, v := range r.Ratios {
				if !math.IsNaN(v) {
					s.Ratios = append(s.Ratios, metrics.ResourceRatio{Resource: resource.Resource(i).String(), Value: v})
				}
			}
			list = append(list, s)
		}
	}
	return list
}

// showResources is what the admin API shows of the member's machine; nil where nobody is asked.
func (m *member) showResources() *admin.Resources {
	n := m.node.Load()
	if n == nil {
		return nil
	}
	r := n.Report()
	shown := &admin.Resources{
		Ratios: map[string]float64{}, AgeSeconds: r.Age.Seconds(), Stale: r.Stale, FullestDisk: r.FullestDisk, ReadOnly: r.ReadOnly,
		OOMKills: figure(r.OOMKills), Temperature: figure(r.Temperature), Power: figure(r.Power), GPUError: figure(r.GPUError),
	}
	for i, v := range r.Ratios {
		if !math.IsNaN(v) {
			shown.Ratios[resource.Resource(i).String()] = v
		}
	}
	for _, s := range r.Sources {
		shown.Sources = append(shown.Sources, admin.ResourceSource{URL: s.URL, AgeSeconds: s.Age.Seconds(), Stale: s.Stale, Failure: s.Failure})
	}
	return shown
}
