// The dispatcher: the receivers, the silences, and the step that moves them all.

package dispatch

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/alert"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// Options are what a Dispatcher needs.
type Options struct {
	Alerts  func() []alert.Alert // how all alerts are, those that ended lately among them; nobody changes what it returns
	Mutes   []string             // names of alerts about an upstream while which those about its endpoints are not told
	Store   Store                // nil: in memory only
	Events  *event.Log
	Gateway string           // who we are
	Now     func() time.Time // nil: time.Now
	Others  Others           // that tell the same receivers; nil: there are none
	Problem func(error)      // hears why the state could not be kept or read; nil: nobody does
}

// Store keeps the state. Put returns when it is safe.
type Store interface {
	Get(section string) json.RawMessage
	Put(section string, state json.RawMessage) error
}

// Dispatcher tells receivers of alerts.
type Dispatcher struct {
	Options

	mu       sync.Mutex // guards what follows, and what is reached by it; never held while something is sent or kept
	flows    []*flow
	mirrors  []*mirrored
	silences []*Silence
	outages  map[string]outage // by upstream
	kept     *kept             // what was read and belongs to receivers that are not there yet; nil: nothing was read yet
	dirty    bool              // the state is not as it was kept
	tellings []Telling         // what was told lately, for Others; the newest last
	remuted  bool              // other alerts are muted than at the last step
	runner   *runner           // nil: Run is not running

	saving sync.Mutex // one at a time keeps the state; held meanwhile, and by nobody who must not wait
	unkept bool       // the last time failed; guarded by saving
	rested time.Time  // until then it is not kept again without need; guarded by saving
}

// New makes a Dispatcher without receivers. It reads what was kept when Begin or Run is called.
func New(o Options) *Dispatcher {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Dispatcher{Options: o, outages: map[string]outage{}}
}

func (d *Dispatcher) now() time.Time { return d.Now() }

// SetReceivers takes other receivers, or other settings of theirs. What is known of a receiver stays with its name.
func (d *Dispatcher) SetReceivers(list []Receiver) {
	d.mu.Lock()
	defer d.mu.Unlock()
	flows, mirrors := byName(d.flows), byName(d.mirrors)
	d.flows, d.mirrors = nil, nil
	for i, r := range list {
		r.place = i
		if len(r.Mirrors) > 0 {
			d.mirrors = append(d.mirrors, replaced(mirrors[r.Name], r, newMirrored))
			delete(mirrors, r.Name)
			continue
		}
		d.flows = append(d.flows, replaced(flows[r.Name], r, newFlow))
		delete(flows, r.Name)
	}
	for _, old := range flows {
		old.end()
	}
	for _, old := range mirrors {
		old.end()
	}
	d.restore()
	d.dirty = true
	d.begin()
}

// way is a receiver with what is known of it.
type way[T any] interface {
	comparable
	named() string
	same(r *Receiver) bool
	move(place int)
	inherit(old T)
	end()
}

func byName[T way[T]](list []T) map[string]T {
	names := map[string]T{}
	for _, one := range list {
		names[one.named()] = one
	}
	return names
}

// replaced is the old way to a receiver if its settings are the same, and otherwise a new one that knows what it knew.
func replaced[T way[T]](old T, r Receiver, make func(Receiver) T) T {
	var none T
	if old != none && old.same(&r) {
		old.move(r.place)
		return old
	}
	fresh := make(r)
	if old != none {
		fresh.inherit(old)
		old.end()
	}
	return fresh
}

func (s *standing) named() string { return s.Name }

func (s *standing) same(r *Receiver) bool { return r.Version != "" && s.Version == r.Version }

func (s *standing) move(place int) { s.place = place }

// inherit takes over what another flow to the same receiver knows. A message that it is just sending may be sent
// once more, with the same ID.
func (f *flow) inherit(old *flow) {
	f.standing.takeCounts(old.standing)
	for key, g := range old.groups {
		another := *g
		another.Entries = map[string]*entry{}
		for fingerprint, e := range g.Entries {
			same := *e
			another.Entries[fingerprint] = &same
		}
		another.sending = nil
		f.groups[key] = &another
	}
}

func (m *mirrored) inherit(old *mirrored) {
	m.standing.takeCounts(old.standing)
	m.known, m.began = maps.Clone(old.known), old.began
}

func (s *standing) takeCounts(old *standing) {
	s.attempts, s.failed = old.attempts, old.failed
	s.delivered, s.refused, s.outdated, s.dropped = old.delivered, old.refused, old.outdated, old.dropped
	s.lastSuccess, s.lastError, s.failing, s.told = old.lastSuccess, old.lastError, old.failing, old.told
}

// end stops deliveries of a receiver that is replaced.
func (s *standing) end() {
	if s.cancel != nil {
		s.cancel()
	}
}

// Step takes over how the alerts are, makes messages of what is due, and keeps the state if it has changed.
func (d *Dispatcher) Step(now time.Time) {
	d.Begin()
	alerts := seenAs(d.Alerts())
	d.mu.Lock()
	over := d.expire(now)
	d.noteOutages(alerts, now)
	look := look{now: now, alerts: alerts, remuted: d.remuted, muted: func(a *alert.Alert) bool {
		silenced, inhibited := d.muted(a, now)
		return silenced != "" || inhibited != ""
	}}
	d.remuted = false
	for _, f := range d.flows {
		d.dirty = f.step(&look) || d.dirty
	}
	for _, m := range d.mirrors {
		d.dirty = m.step(&look) || d.dirty
	}
	for _, s := range d.standings() {
		s.wake()
	}
	d.mu.Unlock()
	d.save(true)
	for _, s := range over {
		d.tellOver(s, "its time is over")
	}
}

// look is what a step sees.
type look struct {
	now     time.Time
	alerts  []seen
	muted   func(*alert.Alert) bool
	remuted bool // muted says something else than in the step before
}

// seen is an alert with its fingerprint, which takes a while to compute.
type seen struct {
	*alert.Alert
	key string
}

func seenAs(alerts []alert.Alert) []seen {
	list := make([]seen, len(alerts))
	for i := range alerts {
		list[i] = seen{&alerts[i], alerts[i].Fingerprint()}
	}
	return list
}

// standings are all receivers, in configured order.
func (d *Dispatcher) standings() (list []*standing) {
	for _, f := range d.flows {
		list = append(list, f.standing)
	}
	for _, m := range d.mirrors {
		list = append(list, m.standing)
	}
	slices.SortFunc(list, func(a, b *standing) int { return cmp.Compare(a.place, b.place) })
	return list
}

// Receivers is how deliveries fare, in configured order.
func (d *Dispatcher) Receivers() (list []ReceiverState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	waiting := d.waiting()
	for _, s := range d.standings() {
		list = append(list, ReceiverState{s.Name, s.Kind, waiting[s.Name], s.lastSuccess, s.lastError, s.failing})
	}
	return list
}

// Stats is what a scrape shows.
func (d *Dispatcher) Stats() (list []Stats) {
	d.mu.Lock()
	defer d.mu.Unlock()
	waiting := d.waiting()
	for _, s := range d.standings() {
		list = append(list, Stats{s.Name, s.attempts, s.failed, s.delivered, s.refused, s.outdated, s.dropped, waiting[s.Name], !s.failing.IsZero()})
	}
	return list
}

func (d *Dispatcher) waiting() map[string]int {
	waiting := map[string]int{}
	for _, f := range d.flows {
		waiting[f.Name] = f.waiting()
	}
	return waiting
}
