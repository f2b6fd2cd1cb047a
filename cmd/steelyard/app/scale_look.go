// What a scaling sees of its upstream.

package app

import (
	"math"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	"github.com/steelyard-proxy/steelyard/metrics/forecast"
)

// look is the upstream as it is, for the controller, and its replicas for the foreman.
func (s *scaling) look(now time.Time, c *configs.Scale, scene *autoscale.Scene) autoscale.Sample {
	snapshot, demand := s.pool.Snapshot(), s.pool.Demand()
	elsewhere := s.fleet.waitElsewhere(s.upstream)
	demand.Waiting += elsewhere
	demand.WaitingWork += float64(elsewhere)
	sources := s.fleet.origins(s.upstream)
	sample := autoscale.Sample{
		Waiting: math.NaN(), Arriving: math.NaN(), Forecast: math.NaN(), WaitingRequests: demand.Waiting, OldestWait: demand.Oldest,
	}
	var all serving
	seen := map[string]time.Time{}
	scales := c.Actuator != nil
	for i := range snapshot.Endpoints {
		e := &snapshot.Endpoints[i]
		replica := replicaOf(e, sources[e.Endpoint.Name()])
		since, known := s.firstSeen[replica.Name]
		if !known {
			since = now
		}
		seen[replica.Name], replica.Since = since, since
		if replica.Ready && !replica.Leaving && !replica.Gone {
			all.add(e, c.Slots)
		}
		if !scales || sources[e.Endpoint.Name()].scaled(c) {
			scene.Endpoints = append(scene.Endpoints, replica)
			if replica.Ready && !replica.Leaving && !replica.Gone {
				all.replicas += e.Base
			}
		}
	}
	s.firstSeen = seen
	have, starting := s.foreman.Have(now, scene.Count, scene.Uncounted, scene.Endpoints)
	for i := range scene.Endpoints {
		switch e := &scene.Endpoints[i]; {
		case e.Gone:
			sample.Draining++
		case e.Leaving:
			sample.Draining++
			if have--; !e.Ready && !e.Broken {
				starting--
			}
		case e.Ready:
			sample.Ready++
		case e.Broken:
			sample.Out++
		}
	}
	sample.Starting = max(starting, 0)
	sample.Worth, sample.InFlight, sample.Slots = all.worth, all.inFlight, all.slots
	if sample.Ready > 0 {
		sample.Capacity = all.replicas / float64(sample.Ready)
		s.meter.capacity = sample.Capacity
	} else {
		sample.Capacity = s.meter.capacity // as the last ones had it; 0: none was there yet
	}
	if all.count == 0 {
		sample.Held = demand.Waiting
	}
	sample.Lead = s.foreman.Usual()
	s.meter.look(now, &demand, &all, &sample)
	s.foretell(now, &sample)
	sample.Resources = s.fleet.resourcesOf(s.upstream)
	s.mu.Lock()
	sample.FirstByte, sample.FirstByteObjective = s.firsts.p95(now), s.objective.Seconds()
	sample.PerToken, sample.PerTokenObjective = s.tokens.p95(now), c.TargetTokenTime.Seconds()
	s.mu.Unlock()
	return sample
}

// serving sums up the endpoints that serve, fixed ones included.
type serving struct {
	count, inFlight, slots int
	worth, replicas        float64 // capacity of all, and of replicas
	limitless              bool    // one has no slots
}

func (a *serving) add(e *balancer.EndpointState, usual int) {
	a.count++
	a.worth += e.Base
	a.inFlight += int(e.Endpoint.Load().InFlight())
	slots := e.Slots
	if slots == 0 {
		slots = usual
	}
	if a.slots += slots; slots == 0 {
		a.limitless = true
	}
	if a.limitless {
		a.slots = 0
	}
}

// busy is the capacity in use.
func (a *serving) busy() float64 {
	if a.slots == 0 {
		return math.NaN()
	}
	return min(float64(a.inFlight)/float64(a.slots), 1) * a.worth
}

// foretell adds what is foretold for when a server that is started now is ready.
func (s *scaling) foretell(now time.Time, sample *autoscale.Sample) {
	if s.fleet.foretold == nil {
		return
	}
	if now.Sub(s.meter.toldAt) >= time.Minute || now.Before(s.meter.toldAt) {
		s.meter.told, s.meter.toldAt = s.fleet.foretold(s.upstream), now
	}
	if r := s.meter.told; !math.IsNaN(r.P50) {
		sample.Forecast = r.P50 * s.meter.unit() // the controller adds room for chance; the band would be room twice
	}
}

// foretold is the work per second, in requests of mean work, that is foretold for the lead time; NaN: not known.
func foretold(t *forecast.Traffic) func(upstream string) forecast.Range {
	return func(upstream string) forecast.Range {
		for _, u := range t.Outlooks() {
			if u.Upstream == upstream && u.Work.Known {
				_, work := t.Ahead(upstream, forecast.Lead)
				return work
			}
		}
		return forecast.Range{P05: math.NaN(), P50: math.NaN(), P95: math.NaN()}
	}
}
