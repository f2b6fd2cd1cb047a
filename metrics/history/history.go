// What is remembered, and how it is told.

package history

import (
	"context"
	"math"
	"sync"
	"time"
)

// Bounds of what is remembered.
const (
	Every      = 5 * time.Second // between two points
	points     = int(time.Hour / Every)
	MostSeries = 2000 // series; what would be more has none
)

// State is how an upstream is at a step.
type State struct {
	Upstream  string
	Waiting   int // requests, in its queue
	Endpoints []EndpointState
}

// EndpointState is how an endpoint is at a step.
type EndpointState struct {
	Endpoint string
	InFlight int64 // requests
}

type place struct{ upstream, endpoint string }

// History remembers. Its methods may be called from any goroutine.
type History struct {
	mu      sync.Mutex // guards what follows; held for a few copies only
	windows map[place]*window
	series  map[string]*series
	times   [points]int64 // Unix seconds of the points; each larger than the one before
	steps   int           // points that there have been
	last    time.Time     // of the last step
	counted map[place]counts
	lanes   []lane // empty while nobody holds mu
}

// counts are those of a window at the last step.
type counts struct{ requests, errors, tokens uint64 }

// New is a History that begins now.
func New(now time.Time) *History {
	return &History{windows: map[place]*window{{}: newWindow(now)}, series: map[string]*series{}, counted: map[place]counts{}, last: now}
}

// Add counts requests that have ended.
func (h *History) Add(now time.Time, list ...Finished) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.windows[place{}]
	all.advance(now)
	for i := range list {
		f := &list[i]
		response, first := bucketOf(f.Response), bucketOf(f.FirstByte)
		all.add(f, response, first)
		if f.Upstream == "" {
			continue
		}
		l := h.lane(place{f.Upstream, f.Endpoint}, now)
		l.of.add(f, response, first)
		if l.endpoint != nil {
			l.endpoint.add(f, response, first)
		}
	}
	h.lanes = h.lanes[:0]
}

// mostLanes is how many places are known at once without being looked for: most of what is added at once is of few.
const mostLanes = 8

// lane is where requests of one place are counted.
type lane struct {
	place
	of, endpoint *window // of the upstream, and of the endpoint if there is one
}

func (h *History) lane(at place, now time.Time) *lane {
	for i := range h.lanes {
		if h.lanes[i].place == at {
			return &h.lanes[i]
		}
	}
	l := lane{place: at, of: h.window(place{at.upstream, ""}, now)}
	l.of.advance(now)
	if at.endpoint != "" {
		l.endpoint = h.window(at, now)
		l.endpoint.advance(now)
	}
	if len(h.lanes) == mostLanes {
		h.lanes = h.lanes[:0]
	}
	h.lanes = append(h.lanes, l)
	return &h.lanes[len(h.lanes)-1]
}

func (h *History) window(at place, now time.Time) *window {
	w := h.windows[at]
	if w == nil {
		w = newWindow(now)
		h.windows[at] = w
	}
	w.seen = true // until the next step, which may know it only then
	return w
}

// Recent is the last minute of an endpoint, of an upstream where endpoint is empty, or of all where both are.
func (h *History) Recent(upstream, endpoint string) Recent {
	return h.RecentAt(upstream, endpoint, time.Now())
}

// RecentAt is Recent with a clock of the caller's.
func (h *History) RecentAt(upstream, endpoint string, now time.Time) Recent {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.recent(place{upstream, endpoint}, now)
}

func (h *History) recent(at place, now time.Time) Recent {
	w := h.windows[at]
	if w == nil {
		w = newWindow(now)
	}
	r, n := w.recent(now)
	if of := h.windows[place{at.upstream, ""}]; at.endpoint != "" && of != nil {
		if all := of.ended(now); all > 0 {
			r.ShareRatio = float64(n) / float64(all)
		}
	}
	return r
}

// ended is how many requests have ended in the last minute.
func (w *window) ended(now time.Time) (n uint64) {
	w.advance(now)
	for i := range w.ring {
		n += w.ring[i].requests
	}
	return n
}

// Run steps until ctx ends. states is called at each step.
func (h *History) Run(ctx context.Context, states func() []State) error {
	h.Step(time.Now(), states())
	ticker := time.NewTicker(Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			h.Step(now, states())
		}
	}
}

// Step keeps one point of every series, and forgets who is not among the states any more.
func (h *History) Step(now time.Time, states []State) {
	h.mu.Lock()
	defer h.mu.Unlock()
	passed := now.Sub(h.last).Seconds()
	if passed <= 0 && h.steps > 0 {
		return
	}
	h.last = now
	at := h.steps % points
	h.times[at] = now.Unix()
	if h.steps > 0 {
		h.times[at] = max(now.Unix(), h.times[(at+points-1)%points]+1) // the clock may go back
	}
	for _, s := range h.series {
		s.values[at] = float32(math.NaN())
	}
	for i := range states {
		h.stepUpstream(&states[i], now, passed)
	}
	h.steps++
	h.forget()
}

func (h *History) stepUpstream(s *State, now time.Time, passed float64) {
	of := place{s.Upstream, ""}
	w := h.window(of, now)
	since := h.since(of, w)
	r := h.recent(of, now)
	inFlight := int64(0)
	for _, e := range s.Endpoints {
		inFlight += e.InFlight
	}
	for kind, value := range map[Kind]float64{
		Requests: perSecond(since.requests, passed), Errors: perSecond(since.errors, passed), Tokens: perSecond(since.tokens, passed),
		ResponseP50: r.ResponseP50, ResponseP95: r.ResponseP95, FirstP50: r.FirstP50, FirstP95: r.FirstP95,
		Queue: float64(s.Waiting), InFlight: float64(inFlight),
	} {
		h.keep(Name(kind, s.Upstream, ""), value)
	}
	for _, e := range s.Endpoints {
		at := place{s.Upstream, e.Endpoint}
		h.window(at, now)
		r := h.recent(at, now)
		h.keep(Name(Share, s.Upstream, e.Endpoint), r.ShareRatio)
		h.keep(Name(ResponseP95, s.Upstream, e.Endpoint), r.ResponseP95)
		h.keep(Name(InFlight, s.Upstream, e.Endpoint), float64(e.InFlight))
	}
}

// since is what a window has counted since the last step.
func (h *History) since(at place, w *window) counts {
	before, now := h.counted[at], counts{w.requests, w.errors, w.tokens}
	h.counted[at] = now
	return counts{now.requests - before.requests, now.errors - before.errors, now.tokens - before.tokens}
}

func perSecond(n uint64, seconds float64) float64 {
	if seconds <= 0 {
		return math.NaN()
	}
	return float64(n) / seconds
}

// keep writes the point of this step.
func (h *History) keep(name string, value float64) {
	s := h.series[name]
	if s == nil {
		if len(h.series) >= MostSeries {
			return
		}
		s = newSeries()
		h.series[name] = s
	}
	s.values[h.steps%points] = float32(value)
	s.seen = h.steps
}

// forget drops windows and series of what has gone: at once, or when no point of the last hour is theirs.
func (h *History) forget() {
	for at, w := range h.windows {
		if !w.seen && at != (place{}) {
			delete(h.windows, at)
			delete(h.counted, at)
		}
		w.seen = false
	}
	for name, s := range h.series {
		if h.steps-s.seen > points {
			delete(h.series, name)
		}
	}
}
