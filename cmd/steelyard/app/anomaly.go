// Faults: what is found in requests that have ended, and who hears of it.

package app

import (
	"context"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/metrics/anomaly"
	"github.com/steelyard-proxy/steelyard/metrics/event"
	"github.com/steelyard-proxy/steelyard/proxy/admin"
)

// gaugesEvery is how often figures are looked at for trends.
const gaugesEvery = 5 * time.Minute

// anomalies looks for faults.
type anomalies struct {
	app      *App
	detector *anomaly.Detector
	enforce  atomic.Bool // faults are events; written by adopt

	mu       sync.Mutex                   // guards what follows
	counts   map[faultKey]uint64          // faults found
	silent   map[string]bool              // by ID: found while nobody was told
	declared map[string]map[string]string // by upstream and endpoint: what its measure rests on
}

type faultKey struct{ upstream, kind string }

func newAnomalies(a *App, cfg *configs.Config) *anomalies {
	n := &anomalies{app: a, counts: map[faultKey]uint64{}, silent: map[string]bool{}}
	n.detector = anomaly.New(anomaly.Options{Slow: cfg.Anomalies.SlowRatio, Location: zone(cfg), Tell: n.told, TellTrend: n.toldTrend})
	return n
}

// adopt takes another configuration over. What measures rest on, where it has changed, begins them anew.
func (n *anomalies) adopt(cfg *configs.Config) {
	if n == nil {
		return
	}
	n.enforce.Store(cfg.Anomalies.Enforce)
	is := declared(cfg)
	n.mu.Lock()
	was := n.declared
	n.declared = is
	n.mu.Unlock()
	names := map[string][]string{}
	for upstream, endpoints := range is {
		for endpoint, rests := range endpoints {
			if before, known := was[upstream][endpoint]; known && before != rests {
				n.detector.Reset(upstream, endpoint)
			}
			if endpoint != "" {
				names[upstream] = append(names[upstream], endpoint)
			}
		}
	}
	n.detector.Keep(names)
}

// declared is what the measures of each endpoint rest on, and under "" those of each upstream.
func declared(cfg *configs.Config) map[string]map[string]string {
	all := map[string]map[string]string{}
	for i := range cfg.Upstreams {
		u := &cfg.Upstreams[i]
		of := map[string]string{"": u.Policy}
		for j := range u.Endpoints {
			e := &u.Endpoints[j]
			of[e.Name] = e.URL + " " + e.Capacity.String() + " " + e.Slots.String()
		}
		all[u.Name] = of
	}
	return all
}

// run looks, until ctx ends.
func (n *anomalies) run(ctx context.Context) error {
	var gauged time.Time
	return every(ctx, analyseEvery, func(now time.Time) {
		n.detector.Step(now)
		if now.Sub(gauged) >= gaugesEvery || now.Before(gauged) {
			gauged = now
			n.detector.Observe(now, n.gauges())
		}
	})
}

// gauges are figures that may be on their way out of their limits: memory, open files, and capacities that are measured.
func (n *anomalies) gauges() (list []anomaly.Gauge) {
	a := n.app
	a.mu.Lock()
	cfg := a.config
	a.mu.Unlock()
	limit := int64(cfg.Limits.Memory)
	if limit == 0 {
		limit = a.fleet.memory
	}
	if limit > 0 {
		list = append(list, anomaly.Gauge{Quantity: "memory in use", Value: float64(a.handler.Guard.Memory()), Limit: float64(limit)})
	}
	if open, err := os.ReadDir("/proc/self/fd"); err == nil {
		list = append(list, anomaly.Gauge{Quantity: "the number of open files", Value: float64(len(open)), Limit: float64(descriptorLimit())})
	}
	const half = 0.5 // of what it was when it was first seen
	for i, s := range a.fleet.snapshots() {
		if i >= len(cfg.Upstreams) || cfg.Upstreams[i].Name != s.Upstream {
			break // a reload is under way
		}
		for j := range s.Endpoints {
			e := &s.Endpoints[j]
			if j < len(cfg.Upstreams[i].Endpoints) && cfg.Upstreams[i].Endpoints[j].Capacity.Auto && e.Base > 0 {
				list = append(list, anomaly.Gauge{
					Upstream: s.Upstream, Endpoint: e.Endpoint.Name(), Quantity: "measured capacity", Value: e.Base, Factor: true, Portion: half,
				})
			}
		}
	}
	return list
}

// told hears of a fault that begins or ends. In shadow it is no event.
func (n *anomalies) told(f anomaly.Fault) {
	n.mu.Lock()
	shadow := !n.enforce.Load()
	if f.Over() {
		shadow = shadow || n.silent[f.ID]
		delete(n.silent, f.ID)
	} else {
		n.counts[faultKey{f.Place.Upstream, f.Symptom.String()}]++
		if shadow {
			n.silent[f.ID] = true
		}
	}
	n.mu.Unlock()
	if shadow {
		return
	}
	e := event.Event{Kind: event.FaultFound, Upstream: f.Place.Upstream, Endpoint: f.Place.Endpoint, Cause: f.Text, Action: "none: " + f.WhatToDo, Evidence: maps.Clone(f.Evidence)}
	if e.Evidence == nil {
		e.Evidence = map[string]any{}
	}
	e.Evidence["fault"], e.Evidence["whose"], e.Evidence["since"] = f.ID, string(f.Cause), f.Since.UTC().Format(time.RFC3339)
	if f.Over() {
		e.Kind, e.Action = event.FaultOver, ""
		e.Evidence["lasted_seconds"] = f.Until.Sub(f.Since).Seconds()
	}
	n.app.events.Publish(e)
}

func (n *anomalies) toldTrend(t anomaly.Trend) {
	if !n.enforce.Load() {
		return
	}
	n.app.events.Publish(event.Event{
		Kind: event.TrendSeen, Upstream: t.Place.Upstream, Endpoint: t.Place.Endpoint, Cause: t.Text,
		Evidence: map[string]any{"now": t.Now, "limit": t.Limit, "earliest": t.Earliest.UTC().Format(time.RFC3339)},
	})
}

// Normal implements admin.Anomalies.
func (n *anomalies) Normal(id string) bool { return n.detector.Normal(id) }

// Faults implements admin.Anomalies.
func (n *anomalies) Faults() admin.Faults {
	shown := admin.Faults{Faults: []admin.Fault{}, Trends: []admin.Trend{}}
	n.mu.Lock()
	silent := maps.Clone(n.silent)
	n.mu.Unlock()
	for _, f := range n.detector.Faults() {
		s := admin.Fault{
			ID: f.ID, Kind: f.Symptom.String(), Cause: string(f.Cause), Place: placeOf(f.Place), Since: f.Since, Found: f.Found,
			Ratio: f.Ratio, Share: f.Share, Parts: []admin.FaultPart{}, Text: f.Text, WhatToDo: f.WhatToDo, Evidence: f.Evidence,
			Until: moment(f.Until), Shadow: silent[f.ID] || !n.enforce.Load(),
		}
		if s.Evidence == nil {
			s.Evidence = map[string]any{}
		}
		for _, o := range f.Others {
			s.Parts = append(s.Parts, admin.FaultPart{Name: o.Name, Part: o.Part, Traffic: o.Traffic})
		}
		shown.Faults = append(shown.Faults, s)
	}
	for _, t := range n.detector.Trends() {
		shown.Trends = append(shown.Trends, admin.Trend{
			Place: placeOf(t.Place), Quantity: t.Quantity, Since: t.Since, Now: t.Now, Limit: t.Limit, Earliest: t.Earliest, Latest: moment(t.Latest), Text: t.Text,
		})
	}
	return shown
}

func placeOf(p anomaly.Place) admin.FaultPlace {
	return admin.FaultPlace{Upstream: p.Upstream, Endpoint: p.Endpoint, Model: p.Model, User: p.User, Phase: p.Phase}
}

// states are what a scrape shows.
func (n *anomalies) states(to *metrics.Analysis) {
	up := map[faultKey]int{}
	for _, f := range n.detector.Faults() {
		if !f.Over() {
			up[faultKey{f.Place.Upstream, f.Symptom.String()}]++
		}
	}
	n.mu.Lock()
	for key, found := range n.counts {
		to.Faults = append(to.Faults, metrics.FaultCount{Upstream: key.upstream, Kind: key.kind, Up: up[key], Found: found})
	}
	n.mu.Unlock()
	trends := map[string]int{}
	for _, t := range n.detector.Trends() {
		trends[t.Place.Upstream]++
	}
	for _, upstream := range slices.Sorted(maps.Keys(trends)) {
		to.Trends = append(to.Trends, metrics.TrendCount{Upstream: upstream, Up: trends[upstream]})
	}
}
