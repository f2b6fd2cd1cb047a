package sim

import (
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/estimate"
)

// measureEvery is the time between two looks at what endpoints can do.
const measureEvery = time.Second

// measure is what each balancer finds out about endpoints that it is not told of.
type measure struct {
	upstreams []*estimate.Upstream // by balancer
	inFlight  []int32              // by request: at its endpoint when it was bound, itself included
}

// newMeasure returns nil where nothing is to be measured.
func newMeasure(o Options, balancers, requests int) *measure {
	if !slices.ContainsFunc(o.Endpoints, func(e Endpoint) bool { return e.AutoCapacity || e.AutoSlots }) {
		return nil
	}
	m := &measure{inFlight: make([]int32, requests)}
	told := describe(o.Endpoints)
	for range balancers {
		options := make([]estimate.Options, len(told))
		for i, e := range o.Endpoints {
			options[i] = estimate.Options{
				Capacity: told[i].Capacity, AutoCapacity: e.AutoCapacity, Slots: told[i].Slots, AutoSlots: e.AutoSlots,
			}
		}
		m.upstreams = append(m.upstreams, estimate.New(options))
	}
	return m
}

// values tells balancer p what it knows of the endpoints by now.
func (m *measure) values(f *fleet, p int) {
	for i, value := range m.upstreams[p].Values() {
		f.told[p][i].Capacity, f.told[p][i].Slots = value.Capacity, value.Slots
	}
}

// began is called when request i has been counted at its endpoint.
func (m *measure) began(f *fleet, i int32) {
	m.inFlight[i] = int32(f.leases[i].Endpoint().Load().InFlight())
}

// finished tells of a request that is done. Where nothing is predicted, all are taken to
// be alike.
func (m *measure) finished(f *fleet, i int32, service time.Duration) {
	work := f.predict(int(f.pool[i]), i)
	if work <= 0 {
		work = 1
	}
	m.upstreams[f.pool[i]].Meter(f.loop.results.Served[i]).Finished(work, service, int64(m.inFlight[i]))
}

// tick lets every balancer go by what was measured.
func (m *measure) tick(f *fleet) {
	for p, upstream := range m.upstreams {
		upstream.Tick(measureEvery)
		m.values(f, p)
	}
	f.tell()
}

// ticks returns when to measure, for as long as requests come.
func (m *measure) ticks(f *fleet) (changes []change) {
	for at := measureEvery; at < f.loop.trace.Duration(); at += measureEvery {
		changes = append(changes, change{at: at.Seconds(), make: func() { m.tick(f) }})
	}
	return changes
}
