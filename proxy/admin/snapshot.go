// All that the page shows at once.

package admin

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// Bounds of a snapshot, so that it stays small whatever the fleet.
const (
	mostShown  = 200 // endpoints: the worst ones
	mostEvents = 60
	mostBytes  = 256 << 10
)

// snapshot is the answer of /api/v1/snapshot. What is off is left out.
type snapshot struct {
	At        time.Time     `json:"at"`
	Gateway   gateway       `json:"gateway"`
	Verdict   verdict       `json:"verdict"`
	Stations  []station     `json:"stations"`
	Totals    totals        `json:"totals"`
	Upstreams []shownGroup  `json:"upstreams"`
	LeftOut   int           `json:"endpoints_left_out"` // that are better off than those shown
	Events    []event.Event `json:"events"`             // the last ones, oldest first

	Sections map[string]json.RawMessage `json:"sections"` // what other routes answer, by name; absent: off
}

// gateway says who tells this.
type gateway struct {
	Name      string    `json:"name"`
	Version   string    `json:"version"`
	PID       int       `json:"pid"`
	StartedAt time.Time `json:"started_at"`
	Page      string    `json:"page"` // the version of the page that goes with it
}

// totals are those of all upstreams.
type totals struct {
	Recent
	InFlight  int64 `json:"in_flight"`
	Waiting   int   `json:"waiting"`
	Endpoints int   `json:"endpoints"`
	Eligible  int   `json:"eligible"`
}

// shownGroup is an upstream with its last minute.
type shownGroup struct {
	*Upstream
	Recent    Recent     `json:"recent"`
	Endpoints []shownOne `json:"endpoints"`
}

// shownOne is an endpoint with its last minute.
type shownOne struct {
	*Endpoint
	Recent Recent `json:"recent"`
}

// snapshotText is a snapshot as JSON. It runs beside the requests of viewers too: what goes wrong in a room that tells something
// must not end the process.
func (s *Server) snapshotText(now time.Time) (text []byte, err error) {
	defer func() {
		if found := recover(); found != nil {
			err = fmt.Errorf("BUG: a snapshot panicked: %v", found)
			s.log.Error("the page gets no snapshot", zap.Error(err), zap.Stack("stack"))
		}
	}()
	return s.takeSnapshot(now).encode()
}

// takeSnapshot looks at everything now.
func (s *Server) takeSnapshot(now time.Time) *snapshot {
	upstreams := s.fleet.Upstreams()
	for i := range upstreams {
		upstreams[i] = upstreams[i].withLists()
	}
	events, _ := s.events.Since(0)
	sections := s.sections.get(now)
	shot := &snapshot{
		At: now.UTC(), Gateway: gateway{s.name, s.version, os.Getpid(), s.startedAt.UTC(), s.page.Hash()},
		Verdict:   s.judge(upstreams, events, now),
		Stations:  s.stations(upstreams, events, now),
		Totals:    totals{Recent: s.recent("", "")},
		Upstreams: []shownGroup{}, Events: append([]event.Event{}, events[max(0, len(events)-mostEvents):]...), Sections: sections,
	}
	kept := worst(upstreams)
	for i := range upstreams {
		u := &upstreams[i]
		group := shownGroup{Upstream: u, Recent: s.recent(u.Name, ""), Endpoints: []shownOne{}}
		shot.Totals.Waiting += u.Queue.Waiting
		for j := range u.Endpoints {
			e := &u.Endpoints[j]
			shot.Totals.Endpoints++
			shot.Totals.InFlight += e.InFlight
			if e.Eligible {
				shot.Totals.Eligible++
			}
			if kept != nil && !kept[e] {
				shot.LeftOut++
				continue
			}
			group.Endpoints = append(group.Endpoints, shownOne{e, s.recent(u.Name, e.Name)})
		}
		shot.Upstreams = append(shot.Upstreams, group)
	}
	return shot
}

// worst are the endpoints to show where there are too many for all; nil where all may be shown.
func worst(upstreams []Upstream) map[*Endpoint]bool {
	var all []*Endpoint
	for i := range upstreams {
		for j := range upstreams[i].Endpoints {
			all = append(all, &upstreams[i].Endpoints[j])
		}
	}
	if len(all) <= mostShown {
		return nil
	}
	slices.SortStableFunc(all, func(a, b *Endpoint) int { return cmp.Compare(b.trouble(), a.trouble()) })
	kept := map[*Endpoint]bool{}
	for _, e := range all[:mostShown] {
		kept[e] = true
	}
	return kept
}

// trouble is larger for endpoints that are worse off; of those that are well, for the fuller ones.
func (e *Endpoint) trouble() float64 {
	full := 0.0
	if e.Slots > 0 {
		full = float64(e.InFlight) / float64(e.Slots)
	}
	switch {
	case e.has(ProbeFailed) || e.has(Ejected):
		return 50 + full
	case e.Unreachable:
		return 40 + full
	case e.Cooling || e.Comeback == "on_trial" || e.Comeback == "ramping":
		return 30 + full
	case len(e.Conditions) > 0:
		return 20 + full
	case e.Busy:
		return 10 + full
	}
	return min(full, 9)
}

// encode is a snapshot as JSON. Where it is too large for every viewer each second, events and then endpoints go.
func (shot *snapshot) encode() ([]byte, error) {
	text, err := json.Marshal(shot)
	for err == nil && len(text) > mostBytes && shot.shrink() {
		text, err = json.Marshal(shot)
	}
	return text, err
}

// shrink leaves out a part, and says whether there was any.
func (shot *snapshot) shrink() bool {
	if len(shot.Events) > 10 {
		shot.Events = shot.Events[len(shot.Events)-10:]
		return true
	}
	cut := false
	for i := range shot.Upstreams {
		g := &shot.Upstreams[i]
		keep := len(g.Endpoints) / 2
		if keep == len(g.Endpoints) {
			continue
		}
		slices.SortStableFunc(g.Endpoints, func(a, b shownOne) int { return cmp.Compare(b.trouble(), a.trouble()) })
		shot.LeftOut += len(g.Endpoints) - keep
		g.Endpoints, cut = g.Endpoints[:keep], true
	}
	if !cut && len(shot.Sections) > 0 {
		clear(shot.Sections)
		return true
	}
	return cut
}
