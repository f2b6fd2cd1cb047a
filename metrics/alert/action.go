// What the gateway does itself when an alert fires.

package alert

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// Do is what is done.
type Do uint8

// What may be done.
const (
	Drain   Do = iota // the alert's endpoint gets no new requests, until an operator undrains it
	Recover           // the upstream's recovery action is taken for the alert's endpoint
	Scale             // another number of servers is asked for
	Shed              // requests of low priorities are turned away while it fires
)

var doNames = [...]string{"drain", "recover", "scale", "shed"}

func (d Do) String() string { return doNames[d] }

// ParseDo reads a name.
func ParseDo(name string) (Do, bool) {
	i := slices.Index(doNames[:], name)
	return Do(max(i, 0)), i >= 0
}

// Action maps an alert to what is done when it fires.
type Action struct {
	Name   string
	Alert  string // the name of its rule
	Do     Do
	DryRun bool          // nothing is done, only told
	Every  time.Duration // from one time to the next, for the same subject
	Limit  int           // times within an hour
	Below  int           // Shed: requests of lower priorities than this
	Most   time.Duration // Shed: for so long at most
	Step   int           // Scale: how many endpoints more, or fewer
}

// Doer does what actions say. It must not wait.
type Doer interface {
	// Act does it, and says in words what was done, or why it was not.
	Act(a *Action, of *Alert) (done string, err error)
	// Undo ends what lasts.
	Undo(a *Action, of *Alert)
}

// Actions does what is to be done when alerts fire, within bounds. It is safe for concurrent use.
type Actions struct {
	doer   Doer
	events *event.Log

	mu    sync.Mutex // guards what follows
	list  []Action
	taken map[string][]time.Time // by action: within the last hour
	last  map[string]time.Time   // by action and subject
	lasts map[string]lasting     // by action and subject
}

// lasting is something that is to be ended.
type lasting struct {
	action Action
	alert  Alert
	until  time.Time
}

// NewActions is one that does nothing before Configure.
func NewActions(doer Doer, events *event.Log) *Actions {
	return &Actions{doer: doer, events: events, taken: map[string][]time.Time{}, last: map[string]time.Time{}, lasts: map[string]lasting{}}
}

// Configure puts other actions in force. What lasts by one that is no more, or has changed, is ended.
func (x *Actions) Configure(list []Action) {
	x.mu.Lock()
	x.list = slices.Clone(list)
	var over []lasting
	for key, l := range x.lasts {
		if !slices.Contains(list, l.action) {
			over = append(over, l)
			delete(x.lasts, key)
		}
	}
	x.mu.Unlock()
	for _, l := range over {
		x.doer.Undo(&l.action, &l.alert)
	}
}

// Hear is told of each change of an alert.
func (x *Actions) Hear(now time.Time, a Alert) {
	x.mu.Lock()
	list := x.list
	x.mu.Unlock()
	for i := range list {
		switch c := &list[i]; {
		case c.Alert != a.Name:
		case a.State == Firing && !a.Flapping:
			x.act(now, c, &a)
		case a.State != Firing:
			x.end(c.Name + "\x1f" + a.Fingerprint())
		}
	}
}

// Step ends what has lasted for as long as it may.
func (x *Actions) Step(now time.Time) {
	x.mu.Lock()
	var over []string
	for key, l := range x.lasts {
		if !now.Before(l.until) {
			over = append(over, key)
		}
	}
	x.mu.Unlock()
	for _, key := range over {
		x.end(key)
	}
}

func (x *Actions) end(key string) {
	x.mu.Lock()
	l, found := x.lasts[key]
	delete(x.lasts, key)
	x.mu.Unlock()
	if found {
		x.doer.Undo(&l.action, &l.alert)
	}
}

func (x *Actions) act(now time.Time, c *Action, a *Alert) {
	key := c.Name + "\x1f" + a.Fingerprint()
	e := event.Event{Kind: event.ActionTaken, At: now, Upstream: a.Upstream, Endpoint: a.Endpoint, Cause: "alert " + a.Name + " fires: " + a.Summary,
		Evidence: map[string]any{"action": c.Name, "do": c.Do.String(), "alert": a.Name}}
	switch held := x.allow(now, c, key); {
	case held != "":
		e.Kind, e.Action = event.ActionFailed, "nothing: "+held
	case c.DryRun:
		e.Kind, e.Action = event.WouldAct, c.describe(a)
	default:
		done, err := x.doer.Act(c, a)
		if e.Action = done; err != nil {
			e.Kind, e.Action = event.ActionFailed, "nothing: "+err.Error()
			break
		}
		if c.Do == Scale {
			e.Kind = event.ScaleAsked
			e.Evidence["step"] = c.Step
		}
		if c.Do == Shed {
			x.mu.Lock()
			x.lasts[key] = lasting{*c, *a, now.Add(c.Most)}
			x.mu.Unlock()
		}
	}
	x.events.Publish(e)
}

// allow notes that an action is taken, or says why it must not be.
func (x *Actions) allow(now time.Time, c *Action, key string) (held string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.taken[c.Name] = slices.DeleteFunc(x.taken[c.Name], func(at time.Time) bool { return now.Sub(at) >= time.Hour })
	for k, at := range x.last {
		if now.Sub(at) >= 24*time.Hour { // longer than any Every
			delete(x.last, k)
		}
	}
	if at, found := x.last[key]; found && now.Sub(at) < c.Every {
		return fmt.Sprintf("it was done %s ago, and may be once in %s", now.Sub(at).Round(time.Second), c.Every)
	}
	if len(x.taken[c.Name]) >= c.Limit {
		return fmt.Sprintf("it was done %d times within an hour, which is the limit", c.Limit)
	}
	x.taken[c.Name] = append(x.taken[c.Name], now)
	x.last[key] = now
	return ""
}

// describe says what would be done.
func (c *Action) describe(a *Alert) string {
	switch c.Do {
	case Drain:
		return "drain endpoint " + a.Endpoint
	case Recover:
		return "take the recovery action of upstream " + a.Upstream + " for endpoint " + a.Endpoint
	case Scale:
		return fmt.Sprintf("ask for %+d endpoints of upstream %s", c.Step, a.Upstream)
	}
	return fmt.Sprintf("turn away requests of priorities below %d, for %s at most", c.Below, c.Most)
}
