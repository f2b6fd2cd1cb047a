// Is all well? If not: since when, why, and what has the gateway done about it.

package admin

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// The levels of a verdict, the best first.
const (
	well    = "well"
	watch   = "watch"   // requests are served, somebody should look
	trouble = "trouble" // requests fail, or soon will
)

// verdict is what an operator wants to know first.
type verdict struct {
	Level   string    `json:"level"`
	Since   time.Time `json:"since"`
	Reasons []reason  `json:"reasons"` // the worst first; of the same level the oldest
	More    int       `json:"more"`    // reasons that are left out
}

// reason is one thing that is not well.
type reason struct {
	Level    string     `json:"level"`
	Upstream string     `json:"upstream,omitempty"`
	Endpoint string     `json:"endpoint,omitempty"`
	Text     string     `json:"text"`
	Why      string     `json:"why,omitempty"`
	Since    *time.Time `json:"since,omitempty"`
	Done     string     `json:"done,omitempty"` // by the gateway
}

// Bounds of what is not well.
const (
	mostReasons   = 20
	badErrorRatio = 0.05
	leastErrors   = 5               // failed requests: fewer are told by the table
	longQueue     = 2 * time.Second // that the oldest request has waited
)

func (s *Server) judge(upstreams []Upstream, events []event.Event, now time.Time) verdict {
	known := lastOf(events)
	var list []reason
	ready := s.ready()
	for _, why := range ready.NotReady {
		list = append(list, reason{Level: watch, Text: "This gateway takes no new work: " + why})
	}
	if ready.LastReload.Error != "" {
		list = append(list, reason{Level: watch, Text: "The last configuration was refused", Why: ready.LastReload.Error,
			Since: &ready.LastReload.At, Done: "the old configuration stays"})
	}
	if e, on := known.open(event.Shed, event.ShedOver); on {
		list = append(list, reason{Level: trouble, Text: "There is too much to do: requests are refused", Why: e.Cause, Since: &e.At, Done: e.Action})
	}
	for i := range upstreams {
		list = append(list, s.reasonsOf(&upstreams[i], known)...)
	}
	list = s.withAlerts(list)
	slices.SortStableFunc(list, func(a, b reason) int {
		return cmp.Or(cmp.Compare(rank(b.Level), rank(a.Level)), sinceOf(a).Compare(sinceOf(b)))
	})
	v := verdict{Level: well, Since: s.wellSince(events), Reasons: []reason{}}
	if len(list) > 0 {
		v.Level, v.Since = list[0].Level, now
		for _, r := range list {
			if r.Level == v.Level && r.Since != nil && r.Since.Before(v.Since) {
				v.Since = *r.Since
			}
		}
		v.Reasons = append(v.Reasons, list[:min(len(list), mostReasons)]...)
		v.More = len(list) - len(v.Reasons)
	}
	v.Since = v.Since.UTC()
	return v
}

func rank(level string) int { return slices.Index([]string{well, watch, trouble}, level) }

func sinceOf(r reason) time.Time {
	if r.Since == nil {
		return time.Time{}
	}
	return *r.Since
}

// wellSince is when the last thing that was not well ended, or the start.
func (s *Server) wellSince(events []event.Event) time.Time {
	for i := len(events) - 1; i >= 0; i-- {
		switch k := events[i].Kind; k {
		case event.Restored, event.Back, event.ProbePassed, event.Undrained, event.PanicOver, event.NoEndpointOver, event.SpillOver, event.ShedOver, event.TrialPassed, event.RampOver:
			return events[i].At
		default:
			if k.Severity() > event.Info {
				return events[i].At
			}
		}
	}
	return s.startedAt
}

// reasonsOf are what is not well with one upstream.
func (s *Server) reasonsOf(u *Upstream, known lastEvents) (list []reason) {
	add := func(level, text, why string, kind event.Kind) {
		r := reason{Level: level, Upstream: u.Name, Text: text, Why: why}
		if e, found := known.of(kind, u.Name, ""); found {
			r.Since, r.Done = &e.At, e.Action
		}
		list = append(list, r)
	}
	switch {
	case u.eligible() == 0 && u.Fallback != "":
		add(watch, u.Name+" has no eligible endpoint: its requests go to "+u.Fallback, "", event.NoEndpoint)
	case u.Holding && u.Queue.Waiting > 0:
		add(watch, fmt.Sprintf("%d requests wait for the first endpoint of %s", u.Queue.Waiting, u.Name), "", event.EndpointsChanged)
	case u.Holding:
	case u.eligible() == 0:
		add(trouble, u.Name+" has no eligible endpoint: its requests are refused", "", event.NoEndpoint)
	case u.Panicking:
		add(trouble, "Too few endpoints of "+u.Name+" are left: those that should get no requests get them all the same", "", event.Panic)
	}
	for i := range u.Sources {
		if s := &u.Sources[i]; s.Trouble != "none" {
			kind := event.DiscoveryHeld
			if s.Trouble == "away" {
				kind = event.DiscoveryFailed
			}
			add(watch, fmt.Sprintf("The list of endpoints of %s is %.0f s old: its source is %s", u.Name, s.StaleSeconds, s.Trouble), s.Why, kind)
		}
	}
	if u.Spilled {
		add(watch, "The first tier of "+u.Name+" falls short: the next one gets requests too", "", event.SpilledOver)
	}
	if waited := time.Duration(u.Queue.OldestSeconds * float64(time.Second)); waited > longQueue {
		list = append(list, reason{Level: watch, Upstream: u.Name,
			Text: fmt.Sprintf("%d requests wait for %s, the oldest for %.0f s", u.Queue.Waiting, u.Name, u.Queue.OldestSeconds)})
	}
	if r := s.recent(u.Name, ""); r.ErrorRatio != nil && *r.ErrorRatio >= badErrorRatio && r.Errors >= leastErrors {
		list = append(list, reason{Level: watch, Upstream: u.Name,
			Text: fmt.Sprintf("%.0f %% of the last minute's requests to %s failed", 100**r.ErrorRatio, u.Name)})
	}
	for i := range u.Endpoints {
		if r, bad := u.Endpoints[i].reason(u.Name, known); bad {
			list = append(list, r)
		}
	}
	return list
}

// reason says what is not well with an endpoint. One that an operator drains, or that discovery takes away, is
// out by intent.
func (e *Endpoint) reason(upstream string, known lastEvents) (r reason, bad bool) {
	r = reason{Level: watch, Upstream: upstream, Endpoint: e.Name}
	told := func(kind event.Kind) {
		if e, found := known.of(kind, upstream, e.Name); found {
			r.Done = e.Action
			if r.Since == nil {
				r.Since = &e.At
			}
		}
	}
	for i := range e.Conditions {
		switch c := &e.Conditions[i]; c.Name {
		case ProbeFailed:
			r.Text, r.Why, r.Since = e.Name+" does not pass its probes", c.Reason, &c.Since
			told(event.ProbeFailed)
		case Ejected:
			r.Text, r.Why, r.Since = e.Name+" is ejected: its requests fail or are too slow", c.Reason, &c.Since
			told(event.Ejected)
		default:
			continue
		}
		if r.Done == "" && !e.Eligible {
			r.Done = "others get its requests"
		}
		return r, true
	}
	if e.Unreachable {
		r.Text = e.Name + " cannot be reached"
		if last, found := known.of(event.Unreachable, upstream, e.Name); found {
			r.Why = last.Cause
		}
		told(event.Unreachable)
		if r.Done == "" {
			r.Done = "others get its requests"
		}
		return r, true
	}
	return r, false
}

// lastEvents finds the last event of a kind about a place.
type lastEvents map[eventPlace]*event.Event

type eventPlace struct {
	kind               event.Kind
	upstream, endpoint string
}

func lastOf(events []event.Event) lastEvents {
	l := lastEvents{}
	for i := range events {
		e := &events[i]
		l[eventPlace{e.Kind, e.Upstream, e.Endpoint}] = e
	}
	return l
}

func (l lastEvents) of(k event.Kind, upstream, endpoint string) (*event.Event, bool) {
	e := l[eventPlace{k, upstream, endpoint}]
	return e, e != nil
}

// open says whether something of the whole gateway has begun and is not over.
func (l lastEvents) open(began, over event.Kind) (*event.Event, bool) {
	begin, end := l[eventPlace{began, "", ""}], l[eventPlace{over, "", ""}]
	return begin, begin != nil && (end == nil || end.ID < begin.ID)
}
