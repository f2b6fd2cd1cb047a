// The last requests, kept to be served once more.

package advice

import (
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// Recorded is how many requests of an upstream are kept, and recordedInAll of all together, 100 bytes each. Every upstream has
// recordedLeast, whatever their number.
const Recorded, recordedInAll, recordedLeast = 20_000, 200_000, 2_000

// Request is one recorded request.
type Request struct {
	At       time.Time // it came
	Endpoint string    // that served it; "": none, for want of a slot
	Queue    time.Duration
	Service  time.Duration
	Size     float64 // predicted work, as a multiple of the mean; 0: not known
	Slots    int     // of the endpoint, as the balancer was told; 0: no limit
	Capacity float64 // likewise

	PromptBytes, MaxTokens int
	Stream                 bool
}

// Response is how long it took, our own time apart.
func (r *Request) Response() time.Duration { return r.Queue + r.Service }

// work is how much it came to, in the unit of capacities.
func (r *Request) work() float64 { return r.Service.Seconds() * r.Capacity / float64(max(r.Slots, 1)) }

// record is a ring of the last requests, by their ends.
type record struct {
	ring []Request
	next int
	most int // requests
}

// resize has it keep so many from now on, the newest of those that there are.
func (r *record) resize(most int) {
	if r.most == most {
		return
	}
	list := r.list()
	*r = record{ring: slices.Clone(list[max(len(list)-most, 0):]), most: most}
}

func (r *record) add(q Request) {
	if len(r.ring) < r.most {
		r.ring = append(r.ring, q)
		return
	}
	r.ring[r.next] = q
	r.next = (r.next + 1) % len(r.ring)
}

// list is a copy, by their ends.
func (r *record) list() []Request {
	return append(append(make([]Request, 0, len(r.ring)), r.ring[r.next:]...), r.ring[:r.next]...)
}

// The failures of requests that were refused for want of a slot, as proxy/ERRORS.md calls them.
var wantOfSlot = []string{"queue_full", "queue_timeout"}

// requestOf is what is recorded of a row; ok is false for one that says nothing of how requests are served: no endpoint
// answered it, and not for want of a slot.
func requestOf(r *usage.Row) (q Request, ok bool) {
	q = Request{
		At: r.At, Endpoint: r.Endpoint, Queue: r.Queue, Service: r.Service, Size: r.Work, Slots: r.Slots, Capacity: r.Capacity,
		PromptBytes: r.PromptBytes, MaxTokens: r.MaxTokens, Stream: r.Stream,
	}
	if slices.Contains(wantOfSlot, r.Failure) {
		q.Endpoint, q.Service = "", 0
		return q, true
	}
	return q, r.Endpoint != "" && r.Service > 0 && r.Queue >= 0 && r.Service < longestService && r.Capacity > 0
}

// longestService is longer than any request takes that is not broken.
const longestService = 24 * time.Hour

// utilisation is the part of all slots that the requests kept busy; 0 where slots are not known.
func utilisation(log []Request, u *Upstream) float64 {
	if len(log) < 2 {
		return 0
	}
	busy, slots := 0.0, 0
	for i := range log {
		busy += log[i].Service.Seconds()
	}
	for _, e := range u.inUse() {
		if e.Slots == 0 {
			return 0
		}
		slots += e.Slots
	}
	span := log[len(log)-1].At.Sub(log[0].At).Seconds()
	if span <= 0 || slots == 0 {
		return 0
	}
	return min(busy/span/float64(slots), 1)
}
