// The groups of one receiver, and the delivery of their messages one at a time.

package dispatch

import (
	"context"
	"errors"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/again"
	"github.com/steelyard-proxy/steelyard/metrics/alert"
)

const (
	mostWaiting = 1000           // messages of one receiver
	tooOld      = 24 * time.Hour // a message that waits for longer is given up
	leastPause  = 30 * time.Second
	mostPause   = 10 * time.Minute
	triedSoon   = time.Minute
)

// groupKey is what the alerts of a group have in common.
type groupKey struct{ name, upstream string }

// flow is a receiver that is told messages. The dispatcher's mu guards it.
type flow struct {
	*standing
	groups map[groupKey]*group
	gone   bool      // it wants no more
	until  time.Time // it is left alone; zero: it may be told
	fails  int       // deliveries that failed in a row
	tried  bool      // something was sent since the start of the process
}

func newFlow(r Receiver) *flow {
	return &flow{standing: newStanding(r), groups: map[groupKey]*group{}}
}

// step takes over how alerts are, and makes messages of what has become due.
func (f *flow) step(l *look) (changed bool) {
	if f.gone {
		return false
	}
	now := l.now
	for _, a := range l.alerts {
		if rank(a.Severity) >= rank(f.Severity) {
			f.group(a.Alert).note(a, now)
		}
	}
	for key, g := range f.groups {
		before := len(g.Entries)
		g.lose(now)
		f.dropped += uint64(g.bound())
		g.look = g.look || l.remuted
		changed = g.step(now, &f.Timing, l.muted) || len(g.Entries) != before || changed
		if g.message != nil && f.tried && g.sending == nil && now.Sub(g.Waiting) >= tooOld {
			f.outdated++
			g.giveUp(g.message, now)
			changed = true
		}
		if g.empty() {
			delete(f.groups, key)
		}
	}
	return f.bound(now) || changed
}

// group is the one that an alert belongs to.
func (f *flow) group(a *alert.Alert) *group {
	key := groupKey{a.Name, a.Upstream}
	g := f.groups[key]
	if g == nil {
		g = &group{Name: a.Name, Upstream: a.Upstream, Entries: map[string]*entry{}}
		f.groups[key] = g
	}
	return g
}

// bound gives up the messages that have waited longest, where too many do.
func (f *flow) bound(now time.Time) (changed bool) {
	for list := sorted(f.groups); len(list) > mostWaiting; list = list[:len(list)-1] {
		oldest := 0
		for i, g := range list {
			if g.Waiting.Before(list[oldest].Waiting) {
				oldest = i
			}
		}
		list[oldest].giveUp(list[oldest].message, now)
		list[oldest] = list[len(list)-1]
		f.dropped++
		changed = true
	}
	return changed
}

func (f *flow) waiting() (n int) {
	for _, g := range f.groups {
		if g.message != nil || g.sending != nil {
			n++
		}
	}
	return n
}

// take is the message to send next, and its group; nil if there is none now. After a failure it is the one that was
// tried least: it may be the message, not the receiver, and one that cannot be taken must not be the only one tried.
func (f *flow) take(now time.Time) (*group, *Message) {
	if f.gone || now.Before(f.until) {
		return nil, nil
	}
	var next *group
	for _, g := range sorted(f.groups) {
		if !now.Before(g.until) && (next == nil || f.fails > 0 && g.tries < next.tries) {
			next = g
		}
	}
	if next == nil {
		return nil, nil
	}
	next.sending = next.message
	return next, next.sending
}

// settle notes how a delivery ended.
func (f *flow) settle(g *group, m *Message, err error, now time.Time) {
	g.sending, g.look, f.tried = nil, true, true
	final, isFinal := errors.AsType[*Final](err)
	switch {
	case err == nil:
		f.delivered++
		f.fails, f.until = 0, time.Time{}
		g.told(m, now)
		f.back(now)
	case isFinal && final.Gone:
		f.gone, g.message = true, nil
		f.dropped += uint64(f.waiting())
		f.refused++
		clear(f.groups)
	case isFinal:
		f.refused++
		g.giveUp(m, now)
	default:
		f.until, g.until = now.Add(pause(f.fails, err)), now.Add(pause(g.tries, err))
		f.fails++
		g.tries++
	}
}

// back lets messages be tried soon that failed before the receiver took another. Not at once: it may be they that it
// cannot take.
func (f *flow) back(now time.Time) {
	for _, g := range f.groups {
		if soon := now.Add(triedSoon); g.until.After(soon) {
			g.until = soon
		}
	}
}

// pause is how long a receiver, and a message, is left alone after so many deliveries that failed, and this one.
func pause(fails int, err error) time.Duration {
	return atLeast(err, again.After(fails, leastPause, mostPause))
}

// atLeast is a pause, or the longer one that a receiver has asked for.
func atLeast(err error, pause time.Duration) time.Duration {
	if asked, is := errors.AsType[*Later](err); is {
		return max(pause, asked.After)
	}
	return pause
}

// deliver sends the next message, if there is one to send now.
func (d *Dispatcher) deliver(ctx context.Context, f *flow) (did bool) {
	d.mu.Lock()
	yielded := d.yield(f, d.now())
	d.dirty = d.dirty || yielded
	g, m := f.take(d.now())
	if m != nil {
		m.Receiver, m.Gateway = f.Name, d.Gateway
	}
	kept := m != nil && m.kept
	d.mu.Unlock()
	if m == nil {
		return false
	}
	if !kept {
		d.save(true) // before the first attempt: what may have been told must not be forgotten
	}
	err := f.Channel.Send(ctx, m, func() bool { return d.wanted(g, m) }, func(problem error) { d.attempted(f, problem) })
	d.mu.Lock()
	if err != nil && ctx.Err() != nil { // the end has come, or other settings: the message waits on
		g.sending, g.look = nil, true
		d.mu.Unlock()
		return false
	}
	f.settle(g, m, err, d.now())
	if err == nil {
		d.note(f.Name, m, d.now())
	}
	d.dirty = true
	waiting := f.waiting()
	d.mu.Unlock()
	d.save(false)
	d.tell(f.standing, err, waiting)
	return true
}

// wanted says whether no newer state of the group waits.
func (d *Dispatcher) wanted(g *group, m *Message) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return g.message == m
}

func (d *Dispatcher) attempted(f *flow, problem error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f.standing.attempted(problem, false, d.now())
}
