package estimate

import (
	"math"
	"sync/atomic"
	"time"
)

// leastWork and mostWork are beyond what any unit of work explains. In between sums and
// ratios are finite.
const (
	leastWork = 1e-60
	mostWork  = 1e60
)

// Meter sums up the finished requests of one endpoint. Finished may be called from any
// goroutine; it takes no lock and does not allocate.
type Meter struct {
	busyFrom atomic.Int64 // requests in flight from which on the endpoint counts as busy; written by Tick
	busy     sums
	levels   [levelCount]sums // by levelOf the requests in flight
}

// sums are of the requests since the last take; each field is written by add and take.
type sums struct {
	work     atomic.Uint64 // bits of a float64
	service  atomic.Int64  // nanoseconds
	inFlight atomic.Int64
	requests atomic.Int64
}

// Finished tells of a request that was answered in full. work is what it was predicted to
// be, > 0, in the unit that all requests of the upstream share. service is the time from
// the moment it was given to the endpoint to the end of its answer. inFlight is how many
// requests the endpoint had at that moment, this one included: at its end there may be more,
// which did not delay it.
func (m *Meter) Finished(work float64, service time.Duration, inFlight int64) {
	if !(work >= leastWork) || work > mostWork || service <= 0 || inFlight < 1 {
		return // impossible: a clock or a prediction that is not to be trusted
	}
	m.levels[levelOf(inFlight)].add(work, service, inFlight)
	if inFlight >= m.busyFrom.Load() {
		m.busy.add(work, service, inFlight)
	}
}

func (s *sums) add(work float64, service time.Duration, inFlight int64) {
	for {
		old := s.work.Load()
		if s.work.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+work)) {
			break
		}
	}
	s.service.Add(int64(service))
	s.inFlight.Add(inFlight)
	s.requests.Add(1)
}

// window is what the requests of some stretch of time sum up to, or a fading memory of them.
type window struct {
	work     float64
	service  float64 // seconds
	inFlight float64
	requests float64
}

// take returns the sums and begins anew. A request that is added meanwhile may fall half
// into one window and half into the next. Among others that does no harm to their ratios;
// half of a lone one says nothing, and is left out.
func (s *sums) take() window {
	w := window{
		work:     math.Float64frombits(s.work.Swap(0)),
		service:  time.Duration(s.service.Swap(0)).Seconds(),
		inFlight: float64(s.inFlight.Swap(0)),
		requests: float64(s.requests.Swap(0)),
	}
	if !(w.work > 0 && w.service > 0 && w.inFlight > 0 && w.requests > 0) {
		return window{}
	}
	return w
}

// drop lets all sums begin anew.
func (m *Meter) drop() {
	m.busy.take()
	for level := range m.levels {
		m.levels[level].take()
	}
}

// sound says whether the sums can be: all zero, or all above it and finite.
func (w *window) sound() bool {
	least := min(w.work, w.service, w.inFlight, w.requests) // NaN if any is
	return *w == window{} || least > 0 && !math.IsInf(max(w.work, w.service, w.inFlight, w.requests), 1)
}

// remember adds a window to the memory, which holds on to about that many requests.
func (w *window) remember(next window, requests float64) {
	keep := math.Exp(-next.requests / requests)
	w.work = w.work*keep + next.work
	w.service = w.service*keep + next.service
	w.inFlight = w.inFlight*keep + next.inFlight
	w.requests = w.requests*keep + next.requests
}

// perWork is τ, the seconds that one unit of work takes.
func (w *window) perWork() float64 { return w.service / w.work }
