// What is known of one upstream.

package advice

import (
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// stream is one upstream, and all that is learned of its requests.
type stream struct {
	setup    Upstream
	foreseen Forecast
	log      record
	places   map[string]*place
	tries    tries
	waits    waits
	prompts  prompts
	thin     thin               // of requests whose client did not leave
	replayed map[string]verdict // by the ID of the advice
	busiest  busiest
	wanted   wanted
	given    map[string]float64 // capacities that were advised last, by endpoint
}

// newStream makes one that knows nothing yet; all: it thins nothing.
func newStream(all bool) *stream {
	return &stream{thin: thin{off: all}, places: map[string]*place{}, prompts: newPrompts(), replayed: map[string]verdict{}, given: map[string]float64{}}
}

// configure takes over another configuration. What was seen under the old one is kept where it still holds.
func (s *stream) configure(u Upstream) {
	if s.setup.differs(&u) {
		s.log, s.replayed, s.given = record{most: s.log.most}, map[string]verdict{}, map[string]float64{} // it was served by other rules
	}
	s.setup = u
	for name := range s.places {
		if u.find(name) == nil {
			delete(s.places, name)
		}
	}
	for _, e := range u.Endpoints {
		if s.places[e.Name] == nil {
			s.places[e.Name] = &place{}
		}
		s.places[e.Name].configured(e)
	}
}

// differs says whether requests are served otherwise.
func (u *Upstream) differs(other *Upstream) bool {
	if u.Policy != other.Policy || u.Queue != other.Queue || len(u.Endpoints) != len(other.Endpoints) {
		return true
	}
	for i := range u.Endpoints {
		if u.Endpoints[i].fixed() != other.Endpoints[i].fixed() {
			return true
		}
	}
	return false
}

// fixed is the endpoint without what is measured: that changes by itself.
func (e Endpoint) fixed() Endpoint {
	if e.AutoCapacity {
		e.Capacity = 0
	}
	if e.AutoSlots {
		e.Slots = 0
	}
	return e
}

// weight is for how many requests one stands, for what goes by how they are spread; 0: it is left out. Each of those who left
// counts for itself.
func (s *stream) weight(r *usage.Row) int {
	if r.Aborted() {
		return 1
	}
	return s.thin.weight(r.End().Unix())
}

// add hears of one request.
func (s *stream) add(r *usage.Row) {
	s.tries.add(r)
	n := s.weight(r)
	s.waits.add(r, n)
	if n > 0 {
		s.prompts.add(r, n)
	}
	q, ok := requestOf(r)
	if !ok {
		return
	}
	s.log.add(q)
	if q.Endpoint != "" {
		s.busiest.add(&q)
	}
	p := s.places[q.Endpoint]
	if p == nil || r.Class != answered {
		return
	}
	size := q.Size
	if size <= 0 {
		size = 1
	}
	begun := q.At.UnixNano() + int64(q.Queue)
	p.add(span{begun, begun + int64(q.Service), size})
}

// answered is the class of requests whose work is known: they came to their end.
const answered = "answered"

// settle learns from the endpoints' requests of which all is known by now.
func (s *stream) settle(now time.Time) {
	for _, p := range s.places {
		p.settle(now)
	}
}
