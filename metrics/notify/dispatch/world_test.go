package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/steelyard-proxy/steelyard/metrics/alert"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// memory is a Store that outlives dispatchers.
type memory struct {
	mu   sync.Mutex // guards what follows
	text map[string]json.RawMessage
	err  error
}

func (m *memory) Get(section string) json.RawMessage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text[section]
}

func (m *memory) Put(section string, state json.RawMessage) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.text = map[string]json.RawMessage{section: slices.Clone(state)}
	}
	return m.err
}

// world is a dispatcher in a time of its own, and the alerts that it sees.
type world struct {
	t      *testing.T
	now    time.Time
	alerts []alert.Alert
	store  *memory
	log    *event.Log
	d      *Dispatcher
	hook   *inbox
	names  []Receiver
	step   time.Duration // of pass
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, now: start, store: &memory{}, log: event.NewLog(nil), hook: &inbox{}, step: time.Second}
	w.names = []Receiver{{Name: "hook", Kind: "webhook", Timing: Usual, Channel: w.hook}}
	w.restart()
	return w
}

// long leaves a test out where many alerts in one goroutine say nothing: under the race detector.
func long(t *testing.T) {
	if testing.Short() {
		t.Skip("many alerts for long, in one goroutine")
	}
}

// restart is the process after a kill -9: only the store is left.
func (w *world) restart() {
	w.hook.world = w
	w.d = New(Options{
		Alerts: func() []alert.Alert { return w.alerts }, Mutes: []string{"no-endpoint"}, Store: w.store, Events: w.log, Gateway: "gw1",
		Now: func() time.Time { return w.now }, Problem: func(err error) { w.t.Log(err) },
	})
	w.d.SetReceivers(w.names)
}

// pass lets so much time pass, step by step.
func (w *world) pass(length time.Duration) {
	for end := w.now.Add(length); w.now.Before(end); {
		w.d.Step(w.now)
		w.d.Deliver(w.t.Context())
		w.now = w.now.Add(w.step)
	}
}

// fire lets an alert fire: "name severity upstream endpoint".
func (w *world) fire(text string) *alert.Alert {
	part := append(strings.Fields(text), "", "")
	a := alert.Alert{Name: part[0], Severity: part[1], Upstream: part[2], Endpoint: part[3],
		State: alert.Firing, Since: w.now, StartsAt: w.now, Value: 1, Summary: "it is so", Remedy: "do something"}
	if i := w.find(&a); i >= 0 {
		w.alerts[i] = a
	} else {
		w.alerts = append(w.alerts, a)
	}
	return &w.alerts[w.find(&a)]
}

func (w *world) find(a *alert.Alert) int {
	return slices.IndexFunc(w.alerts, func(b alert.Alert) bool {
		return b.Name == a.Name && b.Upstream == a.Upstream && b.Endpoint == a.Endpoint
	})
}

// end resolves all alerts of a name; "": all.
func (w *world) end(name string) {
	for i := range w.alerts {
		if a := &w.alerts[i]; a.State == alert.Firing && (name == "" || a.Name == name) {
			a.State, a.EndsAt = alert.Inactive, w.now
		}
	}
}

func (w *world) kinds() (list []string) {
	events, _ := w.log.Since(0)
	for _, e := range events {
		list = append(list, e.Kind.String())
	}
	return list
}

// inbox is a receiver that remembers what it was told.
type inbox struct {
	world *world

	mu     sync.Mutex // guards what follows
	got    []told
	fail   func(n int) error // of attempt n from 0; nil: all succeed
	poison string            // the name of a message that it cannot take
	takes  func(m *Message)  // hears of each that is taken for the first time; nil: nobody does
	n      int
}

// told is a message that the receiver was told, whether it took it or not.
type told struct {
	id    string
	at    time.Duration // since the start of the world
	says  string        // "name/upstream +firing -resolved"
	taken bool
	from  string // "severity, repeats"
}

func (b *inbox) Send(_ context.Context, m *Message, _ func() bool, attempted func(error)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var err error
	if b.fail != nil {
		err = b.fail(b.n)
	}
	if m.Name == b.poison {
		err = errDown
	}
	b.n++
	if err == nil && b.takes != nil && !slices.ContainsFunc(b.got, func(one told) bool { return one.taken && one.id == m.ID }) {
		b.takes(m)
	}
	b.got = append(b.got, told{m.ID, b.world.now.Sub(start), says(m), err == nil, fmt.Sprintf("%s %d", m.Severity, m.Repeats)})
	attempted(err)
	return err
}

func (b *inbox) Close() {}

// all is what was taken, without what was known by its ID.
func (b *inbox) all() (list []told) {
	seen := map[string]bool{}
	for _, one := range b.got {
		if one.taken && !seen[one.id] {
			seen[one.id] = true
			list = append(list, one)
		}
	}
	return list
}

// said is all as "time says".
func (b *inbox) said() (list []string) {
	for _, one := range b.all() {
		list = append(list, fmt.Sprintf("%s %s", one.at, one.says))
	}
	return list
}

func says(m *Message) string {
	text := m.Name + "/" + m.Upstream
	for _, a := range m.Firing {
		text += " +" + place(&a)
	}
	for _, a := range m.Resolved {
		text += " -" + place(&a)
	}
	return text
}

func place(a *alert.Alert) string {
	if a.Endpoint == "" {
		return "all"
	}
	return a.Endpoint
}

var errDown = errors.New("connection refused")

func always(err error) func(int) error { return func(int) error { return err } }

func requireSaid(t *testing.T, b *inbox, want ...string) {
	t.Helper()
	require.Equal(t, want, b.said())
}
