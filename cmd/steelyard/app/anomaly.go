// Faults: what is found in requests that have ended, and who hears of it.

package app

import (
	"context"
	"maps"
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
	kept     normals
	worn     map[wornKey]metrics.Wear // as it was when gauges were looked at last; of run's goroutine

	mu       sync.Mutex                   // guards what follows
	counts   map[faultKey]uint64          // faults found
	silent   map[string]bool              // by ID: found while nobody was told
	declared map[string]map[string]string // by upstream and endpoint: what its measure rests on
}

type faultKey struct{ upstream, kind string }

func newAnomalies(a *App, cfg *configs.Config) *anomalies {
	n := &anomalies{app: a, counts: map[faultKey]uint64{}, silent: map[string]bool{}}
	n.detector = anomaly.New(anomaly.Options{Slow: cfg.Anomalies.SlowRatio, Location: zone(cfg), Tell: n.told, TellTrend: n.toldTrend})
	if cfg.Alerts.StateFile != "" {
		n.kept.path = cfg.Alerts.StateFile + faultsFile
	}
	n.restore()
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
	for i := range cfg.Upstreams { // those that are found elsewhere are not listed
		if u := &cfg.Upstreams[i]; u.Discovery != nil || u.Scale != nil && u.Scale.Actuator != nil {
			names[u.Name] = nil
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
	saved := time.Now()
	defer n.save()
	return every(ctx, analyseEvery, func(now time.Time) {
		n.detector.Step(now)
		if now.Sub(gauged) >= gaugesEvery || now.Before(gauged) {
			gauged = now
			n.detector.Observe(now, n.gauges())
		}
		if now.Sub(saved) >= faultsEvery || now.Before(saved) {
			saved = now
			n.save()
		}
	})
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
