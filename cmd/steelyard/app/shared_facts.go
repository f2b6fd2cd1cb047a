// What gateways tell each other that changes slowly: drains, ejections, measured capacities.

package app

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/cost"
	"github.com/steelyard-proxy/steelyard/metrics/notify/dispatch"
)

// facts are what one gateway tells.
type facts struct {
	Drains  []drainFact            `json:"drains,omitempty"`
	Ejected []spot                 `json:"ejected,omitempty"`
	Worth   map[string][]worthFact `json:"worth,omitempty"` // by upstream
	Told    []toldFact             `json:"told,omitempty"`  // of alerts

	Learned map[string]json.RawMessage `json:"learned,omitempty"` // of the work of requests, by upstream
	Answers map[string]cost.Lesson     `json:"answers,omitempty"` // of their length, likewise
}

// spot is an endpoint of an upstream.
type spot struct {
	Upstream string `json:"upstream"`
	Endpoint string `json:"endpoint"`
}

// drainFact is what was said last of draining an endpoint.
type drainFact struct {
	spot
	On      bool   `json:"on"`
	Reason  string `json:"reason,omitempty"`
	Version uint64 `json:"version"` // the highest counts; of equals a drain
}

// worthFact is the measured capacity of a server, and by how many requests.
type worthFact struct {
	Server   string  `json:"server"`
	Capacity float64 `json:"capacity"`
	Requests float64 `json:"requests"`
}

// toldFact is that a receiver was told of an alert.
type toldFact struct {
	Receiver    string  `json:"receiver"`
	Fingerprint string  `json:"fingerprint"`
	Firing      bool    `json:"firing"`
	Ago         float64 `json:"ago_s"`
}

// mostFacts bounds what is taken of each kind from one gateway.
const mostFacts = 10_000

// drains are what was said of draining, here or at other gateways.
type drains struct {
	mu    sync.Mutex
	known map[spot]drainFact // guarded by mu
}

// say notes what was said here.
func (d *drains) say(s spot, on bool, reason string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known[s] = drainFact{s, on, reason, d.known[s].Version + 1}
}

// hear notes what was said elsewhere, and reports whether that is newer.
func (d *drains) hear(f drainFact) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	known, is := d.known[f.spot]
	if is && (f.Version < known.Version || f.Version == known.Version && (!f.On || known.On)) || !is && len(d.known) >= mostFacts || f.Version == math.MaxUint64 {
		return false
	}
	d.known[f.spot] = f
	return true
}

func (d *drains) all() []drainFact {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.SortedFunc(maps.Values(d.known), func(a, b drainFact) int {
		return cmp.Or(cmp.Compare(a.Upstream, b.Upstream), cmp.Compare(a.Endpoint, b.Endpoint))
	})
}

// facts are what this gateway tells.
func (s *sharing) facts() []byte {
	told := facts{Drains: s.app.fleet.drains.all(), Worth: map[string][]worthFact{}}
	for _, t := range s.app.notify.Tellings() {
		told.Told = append(told.Told, toldFact{t.Receiver, t.Fingerprint, t.Firing, time.Since(t.At).Seconds()})
	}
	f := s.app.fleet
	f.mu.Lock()
	for _, u := range f.upstreams {
		for _, m := range u.members {
			if m.ejected.Load() != nil {
				told.Ejected = append(told.Ejected, spot{u.name, m.name})
			}
			if w, measured := m.worth(); measured {
				told.Worth[u.name] = append(told.Worth[u.name], w)
			}
		}
	}
	f.mu.Unlock()
	s.lessons.tell(&told, f.all(), time.Now())
	text, err := json.Marshal(told)
	if err != nil {
		s.app.log.Error("tell other gateways", zap.Error(err))
		return []byte("{}")
	}
	return text
}

// worth is what was measured here of the member's server.
func (m *member) worth() (w worthFact, measured bool) {
	if m.estimate == nil || m.server == "" || !m.want.capacity.Auto {
		return w, false
	}
	requests := m.estimate.Requests()
	return worthFact{m.server, m.estimate.Value().Capacity, requests}, requests > 0
}

// hearFacts takes over what other gateways have told: drains as they are, ejections as a hint to probe at once, and capacities with as
// much weight as they have requests.
func (s *sharing) hearFacts(texts map[string][]byte) {
	f := s.app.fleet
	ejected, worth := map[spot]bool{}, map[string]map[string][]worthFact{}
	tellings, now := map[dispatch.Telling]time.Time{}, time.Now()
	for id, text := range texts {
		var told facts
		if json.Unmarshal(text, &told) != nil {
			continue // of another version
		}
		s.lessons.note(id, &told, now)
		for _, d := range told.Drains[:min(len(told.Drains), mostFacts)] {
			if f.drains.hear(d) {
				f.drainAs(d)
			}
		}
		for _, e := range told.Ejected[:min(len(told.Ejected), mostFacts)] {
			ejected[e] = true
		}
		for _, t := range told.Told[:min(len(told.Told), mostFacts)] {
			key := dispatch.Telling{Receiver: t.Receiver, Fingerprint: t.Fingerprint, Firing: t.Firing}
			if at := now.Add(-time.Duration(min(max(t.Ago, 0), 3600) * float64(time.Second))); at.After(tellings[key]) {
				tellings[key] = at
			}
		}
		for upstream, list := range told.Worth {
			if worth[upstream] == nil {
				worth[upstream] = map[string][]worthFact{}
			}
			for _, w := range list[:min(len(list), mostFacts)] {
				if w.Capacity > 0 && w.Requests > 0 && !math.IsInf(w.Capacity, 1) {
					worth[upstream][w.Server] = append(worth[upstream][w.Server], w)
				}
			}
		}
	}
	s.lessons.teach(f.all(), now)
	s.mu.Lock()
	s.tellings = tellings
	s.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, u := range f.upstreams {
		u.heard = worth[u.name]
		for _, m := range u.members {
			if hint := (spot{u.name, m.name}); ejected[hint] && !s.hints[hint] {
				m.prober.Hasten()
			}
		}
	}
	s.hints = ejected
}

// Leads implements dispatch.Others: while the others cannot be heard each tells, rather than none.
func (s *sharing) Leads() bool { return s.gateway.Holds(leaseAlerts) || !s.gateway.Connected() }

// Told implements dispatch.Others.
func (s *sharing) Told(receiver, fingerprint string, firing bool) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tellings[dispatch.Telling{Receiver: receiver, Fingerprint: fingerprint, Firing: firing}]
}

// drainAs drains an endpoint, or undrains it, as was said at another gateway.
func (f *fleet) drainAs(d drainFact) {
	for _, u := range f.all() {
		if u.name != d.Upstream {
			continue
		}
		if _, err := u.pool.SetCondition(d.Endpoint, balancer.Draining, d.On, d.Reason); err != nil {
			f.log.Info("an endpoint that another gateway drains is not here", zap.String("upstream", d.Upstream), zap.String("endpoint", d.Endpoint))
		}
	}
}

// mostRequests is how many requests one gateway's measurement of a server counts for at most.
const mostRequests = 10_000

// capacityOf is the capacity of a member by all gateways' measurements, each with as much weight as it has requests.
func (u *upstream) capacityOf(m *member) float64 {
	own := m.estimate.Value().Capacity
	if !m.want.capacity.Auto || len(u.heard[m.server]) == 0 {
		return own
	}
	requests := min(m.estimate.Requests(), mostRequests)
	sum := own * requests
	for _, w := range u.heard[m.server] {
		n := min(w.Requests, mostRequests)
		sum, requests = sum+n*w.Capacity, requests+n
	}
	return sum / requests
}
