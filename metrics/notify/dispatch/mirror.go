// A receiver that is told the whole list of alerts again and again.

package dispatch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/again"
	"github.com/steelyard-proxy/steelyard/metrics/alert"
)

const (
	mirrorEvery   = time.Minute      // the list is told again
	resolvedFor   = 15 * time.Minute // so long it has alerts that are over
	leastMirrored = time.Second      // between two lists for one receiver
)

// mirrored is a receiver with mirrors. The dispatcher's mu guards it.
type mirrored struct {
	*standing
	known map[string]time.Time // alerts that the receiver was told, by fingerprint, and when they began
	list  []alert.Alert        // to tell; never changed, only replaced
	state string               // what list says, to see a change
	lanes []*lane
	began time.Time // the watchdog's
}

// lane is one mirror of a receiver.
type lane struct {
	mirror Mirror
	at     int // its place among the receiver's
	sentAt time.Time
	sent   string    // the state that it was told
	until  time.Time // it is left alone
	fails  int
}

func newMirrored(r Receiver) *mirrored {
	m := &mirrored{standing: newStanding(r), known: map[string]time.Time{}}
	for i, mirror := range r.Mirrors {
		m.lanes = append(m.lanes, &lane{mirror: mirror, at: i})
	}
	return m
}

const watchdogName = "Watchdog"

// watchdog is an alert that always fires: whoever hears of it no more knows that the way is broken.
func watchdog(since time.Time) alert.Alert {
	return alert.Alert{Name: watchdogName, Severity: "info", State: alert.Firing, StartsAt: since, Value: 1,
		Summary: "this alert always fires: while it is there, alerts of this gateway arrive"}
}

// step makes the list anew. What is muted before the receiver has heard of it is left out; what it knows stays in,
// since it would take silence for the end of an alert. It reports whether known has changed.
func (m *mirrored) step(l *look) (changed bool) {
	now, alerts := l.now, l.alerts
	listed := map[string]bool{}
	if m.Watchdog {
		if m.began.IsZero() {
			m.began = now
		}
		alerts = append(slices.Clone(alerts), seenAs([]alert.Alert{watchdog(m.began)})...)
	}
	var list []alert.Alert
	var state strings.Builder
	for _, s := range alerts {
		a, key := s.Alert, s.key
		_, known := m.known[key]
		fire := fires(a)
		over := !fire && !a.EndsAt.IsZero() && now.Sub(a.EndsAt) < resolvedFor
		if rank(a.Severity) < rank(m.Severity) && a.Name != watchdogName || !(fire && (known || !l.muted(a)) || over && known) {
			if known && !fire && a.EndsAt.IsZero() { // pending again: the receiver ends it by itself
				listed[key] = true
			}
			continue
		}
		if !known {
			m.known[key], changed = a.StartsAt, true
		}
		listed[key] = true
		list = append(list, *a)
		fmt.Fprintf(&state, "%q %d %t\n", key, a.StartsAt.Unix(), fire)
	}
	for key := range m.known {
		if !listed[key] {
			delete(m.known, key)
			changed = true
		}
	}
	m.list, m.state = list, state.String()
	return changed
}

// due says whether a mirror is to be told the list now. A receiver that has no alerts needs no news of that.
func (m *mirrored) due(l *lane, now time.Time) bool {
	if now.Before(l.until) || len(m.list) == 0 {
		return false
	}
	since := now.Sub(l.sentAt)
	return l.sentAt.IsZero() || since >= mirrorEvery || l.sent != m.state && since >= leastMirrored
}

// tellMirror tells a mirror how the alerts are, if that is due.
func (d *Dispatcher) tellMirror(ctx context.Context, m *mirrored, l *lane) (did bool) {
	d.mu.Lock()
	now, list, state := d.now(), m.list, m.state
	if !m.due(l, now) {
		d.mu.Unlock()
		return false
	}
	d.mu.Unlock()
	d.save(true) // what it is about to know
	err := l.mirror.Tell(ctx, slices.Clone(list), now)
	if err != nil && ctx.Err() != nil {
		return false
	}
	if err != nil && len(m.lanes) > 1 {
		err = fmt.Errorf("urls[%d]: %w", l.at, err)
	}
	d.mu.Lock()
	l.settle(err, state, d.now())
	if err == nil {
		m.delivered++
	}
	m.attempted(err, slices.ContainsFunc(m.lanes, func(l *lane) bool { return l.fails > 0 }), d.now())
	well := m.failing.IsZero()
	d.mu.Unlock()
	if err != nil || well {
		d.tell(m.standing, err, 0)
	}
	return true
}

// settle notes how it went. A mirror that fails is told again soon: it is to know before it forgets.
func (l *lane) settle(err error, state string, now time.Time) {
	if err == nil {
		l.sentAt, l.sent, l.fails, l.until = now, state, 0, time.Time{}
		return
	}
	l.until = now.Add(atLeast(err, again.After(l.fails, leastMirrored, mirrorEvery)))
	l.fails++
}
