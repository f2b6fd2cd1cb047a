// Other gateways that tell the same receivers: one of them does, and the others know.

package dispatch

import (
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/alert"
)

// Others are other gateways that watch the same servers and tell the same receivers.
type Others interface {
	// Leads says whether it is this gateway that tells. Where nobody can know, all do.
	Leads() bool
	// Told is when another gateway has last told a receiver that an alert fires, or that it is over; zero: none has lately.
	Told(receiver, fingerprint string, firing bool) time.Time
}

// Telling is that a receiver was told of an alert.
type Telling struct {
	Receiver    string
	Fingerprint string
	Firing      bool // else that it is over
	At          time.Time
}

const (
	// othersTime is how long a message waits, at a gateway that does not lead, for the one that does to tell the same. What
	// only this gateway sees is told by it after that, and so is what the leader cannot deliver.
	othersTime = 30 * time.Second
	// sameTime is how much earlier than a message was due another gateway may have told the same.
	sameTime = time.Minute
	// tellingsKept bounds how many tellings are remembered for others, and lately for how long.
	tellingsKept = 500
	lately       = 10 * time.Minute
)

// yield leaves to others what they tell: messages whose news they have told are done with, and those that they may still
// tell wait. It reports whether there is something to keep on disk. The caller holds mu.
func (d *Dispatcher) yield(f *flow, now time.Time) (changed bool) {
	if d.Others == nil || d.Others.Leads() {
		return false
	}
	for _, g := range f.groups {
		switch {
		case g.message == nil || g.sending != nil:
		case d.othersTold(f.Name, g, now):
			g.told(g.message, now)
			changed = true
		default:
			g.until = later(g.until, g.Waiting.Add(othersTime))
		}
	}
	return changed
}

// othersTold says whether others have told a receiver all that a group's message says.
func (d *Dispatcher) othersTold(receiver string, g *group, now time.Time) bool {
	since := g.Waiting.Add(-sameTime)
	told := func(list []alert.Alert, firing bool) bool {
		return !slices.ContainsFunc(list, func(a alert.Alert) bool {
			e := g.Entries[a.Fingerprint()]
			known := firing && e != nil && e.Told && g.message.Repeats == 0 && !a.Flapping // it is no news
			return !known && d.Others.Told(receiver, a.Fingerprint(), firing).Before(since)
		})
	}
	return told(g.message.Firing, true) && told(g.message.Resolved, false)
}

// note remembers for others what a receiver was told. The caller holds mu.
func (d *Dispatcher) note(receiver string, m *Message, now time.Time) {
	if d.Others == nil {
		return
	}
	for i := range m.Firing {
		d.tellings = append(d.tellings, Telling{receiver, m.Firing[i].Fingerprint(), true, now})
	}
	for i := range m.Resolved {
		d.tellings = append(d.tellings, Telling{receiver, m.Resolved[i].Fingerprint(), false, now})
	}
	d.tellings = slices.DeleteFunc(d.tellings, func(t Telling) bool { return now.Sub(t.At) > lately })
	d.tellings = d.tellings[max(0, len(d.tellings)-tellingsKept):]
}

// Tellings are what receivers were told lately, for other gateways.
func (d *Dispatcher) Tellings() []Telling {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	return slices.DeleteFunc(slices.Clone(d.tellings), func(t Telling) bool { return now.Sub(t.At) > lately })
}
