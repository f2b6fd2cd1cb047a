// Looking at one upstream: each kind of advice in turn.

package advice

import (
	"maps"
	"slices"
	"time"
)

// view is what one look at an upstream goes by. What takes long is done with it, without the lock.
type view struct {
	now      time.Time
	setup    Upstream
	foreseen Forecast
	log      []Request // by their ends; by arrival once it was replayed
	places   map[string]placeView
	tries    triesView
	waits    waitsView
	prompts  []weekView

	ofLog    bool
	replay   Replay
	fitted   *fit // of the log, once it was asked for
	replayed map[string]verdict
	given    map[string]float64 // capacities that were advised, by endpoint
	busiest  busiest
	wanted   wanted
}

// look finds all advice for an upstream.
func (a *Advisor) look(name string, now time.Time) []Advice {
	v := a.view(name, now)
	if v == nil {
		return nil
	}
	var all []Advice
	for _, find := range []func(*view) []Advice{capacities, replicas, patience, storm, growth, limits, orders} {
		all = append(all, find(v)...)
	}
	for i := range all {
		all[i].Upstream = v.setup.Name
		all[i].identify()
	}
	a.remember(name, v)
	return all
}

func (a *Advisor) view(name string, now time.Time) *view {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.upstreams[name]
	if s == nil {
		return nil
	}
	s.settle(now)
	v := &view{
		now: now, setup: s.setup, foreseen: s.foreseen, log: s.log.list(), tries: s.tries.view(now), waits: s.waits.view(now),
		prompts: s.prompts.view(), places: map[string]placeView{}, ofLog: a.options.OfLog, replay: a.options.Replay, replayed: maps.Clone(s.replayed), given: maps.Clone(s.given), busiest: s.busiest.copy(), wanted: s.wanted,
	}
	v.setup.Endpoints = slices.Clone(s.setup.Endpoints)
	for name, p := range s.places {
		v.places[name] = p.view(now)
	}
	return v
}

// remember keeps what was replayed, so that it need not be done again for a while.
func (a *Advisor) remember(name string, v *view) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.upstreams[name]
	if s == nil || s.setup.differs(&v.setup) {
		return
	}
	s.replayed, s.given, s.wanted = v.replayed, v.given, v.wanted
}

// unsure is the answer that there is not enough data.
func (v *view) unsure(k Kind, n int, text string, evidence map[string]any) []Advice {
	return []Advice{v.told(k, NotEnoughData, n, text, evidence)}
}

// well is the answer that nothing need be changed.
func (v *view) well(k Kind, n int, text string, evidence map[string]any) []Advice {
	return []Advice{v.told(k, NoChange, n, text, evidence)}
}

func (v *view) told(k Kind, s Status, n int, text string, evidence map[string]any) Advice {
	if evidence == nil {
		evidence = map[string]any{}
	}
	return Advice{Kind: k, Status: s, N: n, Text: text, Evidence: evidence, Expires: v.now.Add(holds[k])}
}

// holds is for how long an advice may be taken, once it is found.
var holds = map[Kind]time.Duration{
	Capacity: 6 * time.Hour, Replicas: time.Hour, Patience: 24 * time.Hour, RetryStorm: 15 * time.Minute,
	PromptGrowth: 7 * 24 * time.Hour, Limits: 6 * time.Hour, Policy: 24 * time.Hour,
}
