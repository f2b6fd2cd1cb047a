// One group of alerts, as one receiver knows it.

package dispatch

import (
	"cmp"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/alert"
)

// gone is how long an alert that was told may be unknown to the rules before its receiver hears that it is over. Rules
// say themselves how alerts end; only what they have lost, in a crash or a long stop, ends like this.
const gone = 15 * time.Minute

// mostOver is how many alerts of a group that are over may wait to be told.
const mostOver = 500

const lost = "steelyard no longer knows of it"

// entry is one alert. A resolved one is kept until that was told.
type entry struct {
	Alert    alert.Alert `json:"alert"`
	Told     bool        `json:"told,omitempty"`     // the receiver believes that it fires
	Flapping bool        `json:"flapping,omitempty"` // and that it comes and goes

	seen time.Time // when the rules last knew it
}

// group is what one receiver is told in one message. The fields with names in JSON survive the process.
type group struct {
	Name     string            `json:"name"`
	Upstream string            `json:"upstream,omitempty"`
	Entries  map[string]*entry `json:"alerts"` // by fingerprint
	SentAt   time.Time         `json:"sent_at,omitzero"`
	Repeats  int               `json:"repeats,omitempty"`
	Waiting  time.Time         `json:"waiting,omitzero"`  // since when a message waits; zero: none does
	Settled  string            `json:"settled,omitempty"` // the ID of a message that was given up

	look    bool      // something has happened since the last step
	next    time.Time // when something is to be done even if nothing happens; zero: never
	due     time.Time // when what is new becomes a message; zero: nothing is new
	message *Message  // waits for delivery
	sending *Message  // is being delivered; may be older than message
	tries   int       // deliveries of what waits that failed
	until   time.Time // it is not tried again
}

// note takes over how an alert is. One without data is as it was.
func (g *group) note(a seen, now time.Time) {
	e := g.Entries[a.key]
	if e == nil {
		if !fires(a.Alert) {
			return // it was over before we heard of it
		}
		e = &entry{}
		g.Entries[a.key] = e
	}
	was := e.Alert
	e.take(a.Alert, now)
	if !e.Alert.Flapping {
		e.Flapping = false
	}
	e.seen = now
	is := &e.Alert
	g.look = g.look || was.State != is.State || was.Flapping != is.Flapping || !was.StartsAt.Equal(is.StartsAt) || !was.EndsAt.Equal(is.EndsAt)
}

func (e *entry) take(a *alert.Alert, now time.Time) {
	switch {
	case a.State == alert.NoData && e.Alert.State != alert.Inactive:
	case fires(a) || !a.EndsAt.IsZero():
		started := e.Alert.StartsAt
		if e.Alert = *a; a.StartsAt.IsZero() {
			e.Alert.StartsAt = started
		}
	case fires(&e.Alert): // it is pending again, or forgotten: it had ended
		e.Alert.State, e.Alert.EndsAt, e.Alert.Flapping = alert.Inactive, now, a.Flapping
	default:
		e.Alert.Flapping = a.Flapping
	}
}

// fires: one without data goes on as it was.
func fires(a *alert.Alert) bool {
	return a.State == alert.Firing || a.State == alert.NoData && !a.StartsAt.IsZero() && a.EndsAt.IsZero()
}

// lose ends alerts that the rules have not known for long.
func (g *group) lose(now time.Time) {
	for _, e := range g.Entries {
		if fires(&e.Alert) && now.Sub(e.seen) >= gone {
			e.Alert.State, e.Alert.EndsAt, e.Alert.Reason, e.Alert.Flapping = alert.Inactive, now, lost, false
			g.look = true
		}
	}
}

// news says whether the receiver is to be told something of the alert that it does not know. One that comes and goes
// is told once as such; how it ended is told when it has come to rest.
func (e *entry) news(muted bool) bool {
	if fires(&e.Alert) {
		return !muted && (!e.Told || e.Alert.Flapping && !e.Flapping)
	}
	if e.Alert.Flapping {
		return !muted && !e.Flapping
	}
	return e.Told || !muted
}

// content is the message that the group is worth now, and whether anything in it is new.
func (g *group) content(muted func(*alert.Alert) bool) (m *Message, news bool) {
	m = &Message{Name: g.Name, Upstream: g.Upstream, Repeats: g.Repeats}
	for key, e := range g.Entries {
		quiet, over := muted(&e.Alert), !fires(&e.Alert)
		isNew := e.news(quiet)
		news = news || isNew
		switch {
		case over && e.Alert.Flapping && !isNew: // told as flapping: how it ended is told later
		case over && isNew:
			m.Resolved = append(m.Resolved, e.Alert)
		case over:
			delete(g.Entries, key) // it came and went while it was muted
		case !quiet:
			m.Firing = append(m.Firing, e.Alert)
		}
	}
	m.seal()
	return m, news
}

// step moves the group on, if there is reason to. It reports whether there is something to keep on disk.
func (g *group) step(now time.Time, timing *Timing, muted func(*alert.Alert) bool) (changed bool) {
	if !g.look && (g.next.IsZero() || now.Before(g.next)) {
		return false
	}
	m, news := g.content(muted)
	changed = g.move(m, news && m.ID != g.Settled, now, timing)
	g.look, g.next = false, g.due
	if g.due.IsZero() && g.message == nil && len(m.Firing) > 0 && !g.SentAt.IsZero() {
		g.next = g.SentAt.Add(timing.Repeat.of(m.Severity))
	}
	return changed
}

// move is step with the message that the group is worth now. One that was given up is no news: only another state, or the
// next repeat, is worth a try.
func (g *group) move(m *Message, news bool, now time.Time, timing *Timing) (changed bool) {
	if g.message != nil && m.ID == g.message.ID || g.message == nil && g.sending != nil && m.ID == g.sending.ID {
		g.due = time.Time{}
		return false
	}
	if !news {
		g.due = time.Time{}
		return g.rest(m, now, timing)
	}
	if g.due.IsZero() {
		g.due = now.Add(timing.Wait.of(m.Severity))
		if g.message == nil && !g.SentAt.IsZero() {
			g.due = later(g.due, g.SentAt.Add(timing.Interval))
		}
	}
	if now.Before(g.due) {
		return false
	}
	g.put(m, now)
	return true
}

// rest is step while there is nothing new: a message that waits has become needless, or what fires is told again.
func (g *group) rest(m *Message, now time.Time, timing *Timing) (changed bool) {
	again := len(m.Firing) > 0 && !g.SentAt.IsZero() && now.Sub(g.SentAt) >= timing.Repeat.of(m.Severity)
	switch {
	case again && g.sending == nil:
		if g.message == nil && g.Waiting.IsZero() { // one that waited at the end of the process before has its number
			g.Repeats++
			m.Repeats = g.Repeats
			m.seal()
		}
		g.put(m, now)
		return true
	case g.message != nil || !g.Waiting.IsZero():
		g.message, g.Waiting = nil, time.Time{}
		return true
	}
	return false
}

func (g *group) put(m *Message, now time.Time) {
	g.message, g.due = m, time.Time{}
	if g.Waiting.IsZero() {
		g.Waiting, g.tries, g.until = now, 0, time.Time{}
	}
}

// told notes what the receiver knows since it has taken a message.
func (g *group) told(m *Message, now time.Time) {
	for i := range m.Firing {
		if e := g.Entries[m.Firing[i].Fingerprint()]; e != nil {
			e.Told, e.Flapping = true, m.Firing[i].Flapping
		}
	}
	for i := range m.Resolved {
		key := m.Resolved[i].Fingerprint()
		switch e := g.Entries[key]; {
		case e == nil:
		case m.Resolved[i].Flapping:
			e.Told, e.Flapping = true, true
		case fires(&e.Alert): // again
			e.Told, e.Flapping = false, false
		default:
			delete(g.Entries, key)
		}
	}
	g.settle(m, now)
	g.Settled = ""
}

// settle notes that a message needs no further attempt.
func (g *group) settle(m *Message, now time.Time) {
	g.SentAt, g.Settled = now, m.ID
	g.look = true
	g.message, g.Waiting, g.due = nil, time.Time{}, time.Time{} // what is newer than m is put into a message in its turn
}

// giveUp notes that a message was in vain. What was over in it is kept no longer.
func (g *group) giveUp(m *Message, now time.Time) {
	for i := range m.Resolved {
		if e := g.Entries[m.Resolved[i].Fingerprint()]; e != nil && !fires(&e.Alert) {
			delete(g.Entries, m.Resolved[i].Fingerprint())
		}
	}
	g.settle(m, now)
}

// bound forgets alerts that are over and wait to be told, the oldest first, where they are too many: names of endpoints may
// come and go for a day while the receiver is away. It returns how many.
func (g *group) bound() (forgotten int) {
	if len(g.Entries) <= 2*mostOver {
		return 0
	}
	var over []string
	for key, e := range g.Entries {
		if !fires(&e.Alert) {
			over = append(over, key)
		}
	}
	slices.SortFunc(over, func(a, b string) int { return g.Entries[a].Alert.EndsAt.Compare(g.Entries[b].Alert.EndsAt) })
	for _, key := range over[:max(0, len(over)-mostOver)] {
		delete(g.Entries, key)
		g.look = true
		forgotten++
	}
	return forgotten
}

func (g *group) empty() bool { return len(g.Entries) == 0 && g.message == nil && g.sending == nil }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// before orders groups by whose message is to be sent first.
func before(a, b *group) int {
	if a.message.page != b.message.page {
		if a.message.page {
			return -1
		}
		return 1
	}
	return cmp.Or(a.Waiting.Compare(b.Waiting), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Upstream, b.Upstream))
}

// sorted are the groups that have a message to send.
func sorted(groups map[groupKey]*group) (list []*group) {
	for _, g := range groups {
		if g.message != nil && g.sending == nil {
			list = append(list, g)
		}
	}
	slices.SortFunc(list, before)
	return list
}
