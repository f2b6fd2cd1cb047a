// What of alerts and windows is kept over a restart.

package alert

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/window"
)

// staleAfter is how old what is kept of alerts may be: what fired an hour ago says little of now.
const staleAfter = time.Hour

// The sections of the store.
const (
	statesSection  = "states"
	windowsSection = "windows"
)

// savedStates is the section "states".
type savedStates struct {
	At     time.Time    `json:"at"`
	Alerts []savedAlert `json:"alerts"`
}

type savedAlert struct {
	Name     string    `json:"name"`
	Upstream string    `json:"upstream,omitempty"`
	Endpoint string    `json:"endpoint,omitempty"`
	State    State     `json:"state"`
	Since    time.Time `json:"since"`
	StartsAt time.Time `json:"starts_at,omitzero"`
	EndsAt   time.Time `json:"ends_at,omitzero"`
	Value    float64   `json:"value"`
	Reason   string    `json:"reason,omitempty"`
	Held     float64   `json:"held_seconds,omitempty"`
	Clear    float64   `json:"clear_seconds,omitempty"`
	Clearing bool      `json:"clearing,omitempty"`
	Told     bool      `json:"told,omitempty"`
	Flapping bool      `json:"flapping,omitempty"`
	Flips    []float64 `json:"flips_seconds_ago,omitempty"`
}

// savedWindows is the section "windows".
type savedWindows struct {
	At      time.Time                 `json:"at"`
	Windows map[string]*window.Window `json:"windows"` // by objective and upstream
}

// budget is what is counted for one objective and upstream.
type budget struct {
	window  *window.Window
	changed bool   // since it was saved
	used    uint64 // the step in which it was last wanted
}

func newBudget() *budget { return &budget{window: window.New()} }

// key tells what is counted for an objective: of another kind of good, nothing that was counted can be used.
func (s *SLO) key() string { return s.Name + "\x1f" + s.By.words(s.Bound) }

// restore takes up what an earlier process has saved.
func (e *Engine) restore(now time.Time) {
	var w savedWindows
	if text := e.Store.Get(windowsSection); text != nil {
		if err := json.Unmarshal(text, &w); err != nil {
			e.Complain(fmt.Errorf("read the windows of objectives, which begin anew: %w", err))
		}
		for key, from := range w.Windows {
			if from != nil {
				from.Advance(max(now.Sub(w.At), 0))             // nothing was served meanwhile
				e.budgets[key] = &budget{window: from, used: 1} // in the first step
			}
		}
	}
	var s savedStates
	text := e.Store.Get(statesSection)
	if text == nil {
		return
	}
	if err := json.Unmarshal(text, &s); err != nil {
		e.Complain(fmt.Errorf("read the states of alerts, which begin anew: %w", err))
		return
	}
	away := max(now.Sub(s.At), 0)
	if away > staleAfter {
		return
	}
	for _, a := range s.Alerts {
		e.takeUp(&a, away)
	}
}

// takeUp makes an instance of a saved alert. It gets its rule by Configure.
func (e *Engine) takeUp(a *savedAlert, away time.Duration) {
	i := &instance{
		name: a.Name, subject: Subject{Upstream: a.Upstream, Endpoint: a.Endpoint}, state: a.State, since: a.Since, startsAt: a.StartsAt, endsAt: a.EndsAt,
		value: a.Value, reason: a.Reason, held: inSeconds(a.Held), clear: inSeconds(a.Clear), clearing: a.Clearing, told: a.Told, flapping: a.Flapping,
		restored: true,
	}
	for _, ago := range a.Flips {
		i.flips = append(i.flips, e.clock-away-inSeconds(ago))
	}
	i.flapping = i.flapping && len(i.flips) > 0
	e.instances[instanceKey(i.name, i.subject)] = i
}

func inSeconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// save writes what has changed. While an alert is pending, fires or did so lately that is at each step, so that its
// age is known.
func (e *Engine) save(now time.Time) {
	states, windows := e.toSave(now.Round(0))
	sections := map[string]json.RawMessage{}
	if windows != nil {
		sections[windowsSection] = windows
	}
	if states != nil {
		sections[statesSection] = states
	}
	if len(sections) == 0 {
		return
	}
	err := e.Store.put(sections)
	if err != nil && !e.unsaved { // once
		e.Complain(fmt.Errorf("the state of alerts would be lost at a restart: %w", err))
	}
	e.unsaved = err != nil
}

// toSave is what has to be written; nil: nothing.
func (e *Engine) toSave(now time.Time) (states, windows json.RawMessage) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.Store.path == "" {
		return nil, nil
	}
	s, active := savedStates{At: now, Alerts: []savedAlert{}}, false
	for _, i := range e.instances {
		if !i.flapping {
			i.flips = slices.DeleteFunc(i.flips, func(at time.Duration) bool { return e.clock-at >= flipsWithin })
		}
		if i.state != Pending && i.state != Firing && len(i.flips) == 0 {
			continue
		}
		active = true
		s.Alerts = append(s.Alerts, i.saved(e.clock))
	}
	slices.SortFunc(s.Alerts, func(a, b savedAlert) int {
		return compare(Alert{Name: a.Name, Upstream: a.Upstream, Endpoint: a.Endpoint}, Alert{Name: b.Name, Upstream: b.Upstream, Endpoint: b.Endpoint})
	})
	if e.dirty || active || e.unsaved {
		e.dirty = false
		states, _ = json.Marshal(s) // numbers are finite
	}
	w, changed := savedWindows{At: now, Windows: map[string]*window.Window{}}, e.unsaved
	for key, b := range e.budgets {
		w.Windows[key] = b.window
		changed = changed || b.changed
		b.changed = false
	}
	if changed {
		windows, _ = json.Marshal(w)
	}
	return states, windows
}

func (i *instance) saved(clock time.Duration) savedAlert {
	a := savedAlert{
		Name: i.name, Upstream: i.subject.Upstream, Endpoint: i.subject.Endpoint, State: i.state, Since: i.since, StartsAt: i.startsAt, EndsAt: i.endsAt,
		Value: i.value, Reason: i.reason, Held: i.held.Seconds(), Clear: i.clear.Seconds(), Clearing: i.clearing, Told: i.told, Flapping: i.flapping,
	}
	for _, at := range i.flips {
		a.Flips = append(a.Flips, (clock - at).Seconds())
	}
	return a
}
