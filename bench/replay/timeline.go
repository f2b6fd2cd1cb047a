// What one endpoint had in flight, and when.

package replay

import (
	"cmp"
	"math"
	"slices"

	"github.com/steelyard-proxy/steelyard/metrics/advice"
)

// visit is one recorded request at its endpoint.
type visit struct {
	log        int // its place there
	begun      int // its events in the timeline
	ended      int
	among      int // requests in flight when it began, with it
	size       float64
	begin, end float64 // seconds
}

// timeline has the instants at which the number of requests in flight changes.
type timeline struct {
	visits   []visit
	at       []float64 // seconds, by event
	inFlight []int     // from that event to the next
	most     int
}

// event is the beginning or end of a visit.
type event struct {
	at    float64
	visit int
	end   bool
}

// timelines sorts the log by endpoint.
func timelines(log []advice.Request) map[string]*timeline {
	all := map[string]*timeline{}
	if len(log) == 0 {
		return all
	}
	start := log[0].At
	for i := range log {
		q := &log[i]
		if q.Endpoint == "" {
			continue
		}
		t := all[q.Endpoint]
		if t == nil {
			t = &timeline{}
			all[q.Endpoint] = t
		}
		begin := (q.At.Sub(start) + q.Queue).Seconds()
		t.visits = append(t.visits, visit{log: i, size: q.Size, begin: begin, end: begin + q.Service.Seconds()})
	}
	for _, t := range all {
		t.sort()
	}
	return all
}

func (t *timeline) sort() {
	events := make([]event, 0, 2*len(t.visits))
	for i, v := range t.visits {
		events = append(events, event{v.begin, i, false}, event{v.end, i, true})
	}
	slices.SortStableFunc(events, func(a, b event) int {
		if c := cmp.Compare(a.at, b.at); c != 0 || a.end == b.end {
			return c
		}
		if a.end {
			return -1 // a slot is free for who comes at the same instant
		}
		return 1
	})
	n := 0
	for i, e := range events {
		v := &t.visits[e.visit]
		if e.end {
			n--
			v.ended = i
		} else {
			n++
			v.begun, v.among = i, n
		}
		n = max(n, 0) // of no length at all: its end came first
		t.at, t.inFlight = append(t.at, e.at), append(t.inFlight, n)
		t.most = max(t.most, n)
	}
}

// served is, up to each event, how far a request would have come that was there all the time.
func (t *timeline) served(l law) []float64 {
	sum := make([]float64, len(t.at))
	for i := 1; i < len(t.at); i++ {
		sum[i] = sum[i-1] + (t.at[i]-t.at[i-1])*l.speed(t.inFlight[i-1])
	}
	return sum
}

// alone is what each visit would have taken by itself.
func (t *timeline) alone(l law) []float64 {
	sum, work := t.served(l), make([]float64, len(t.visits))
	for i, v := range t.visits {
		work[i] = math.Max(sum[v.ended]-sum[v.begun], 1e-9)
	}
	return work
}
