// Sums over the requests that an endpoint has finished.

package estimate

import (
	"math"
	"sync/atomic"
	"time"
)

// leastWork and mostWork bound what work can be in any sensible unit. Within them all sums and
// ratios are finite.
const (
	leastWork = 1e-60
	mostWork  = 1e60
)

// Meter sums up the finished requests of one endpoint. Finished may be called from any
// goroutine; it takes no lock and does not allocate.
type Meter struct {
	busyFrom atomic.Int64 // with so many requests in flight the endpoint counts as busy; written by Tick
	busy     sums
	levels   [levelCount]sums // by the level of the requests in flight
}

// sums has sums over the requests since the last take. Each field is written by add and take.
type sums struct {
	work     atomic.Uint64 // bits of a float64
	service  atomic.Int64  // nanoseconds
	inFlight atomic.Int64
	requests atomic.Int64
}

// Finished tells the meter of a request that was answered in full. work is its predicted work,
// > 0, in the unit that all requests of the upstream share. service is the time from the
// moment it was given to the endpoint to the end of its answer. inFlight is how many requests
// the endpoint had meanwhile, with this one.
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

// window has the same sums over the requests of some time, or over a fading memory of them.
type window struct {
	work     float64
	service  float64 // seconds
	inFlight float64
	requests float64
}

// take returns the sums and sets them to zero. Of a request that is added at the same moment
// half may be in this window and half in the next. Among many requests that does no harm to
// the ratios. If it is the only one it is left out.
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

// sound reports whether the sums are possible: all zero, or all above zero and finite.
func (w *window) sound() bool {
	least := min(w.work, w.service, w.inFlight, w.requests) // NaN if any is
	return *w == window{} || least > 0 && !math.IsInf(max(w.work, w.service, w.inFlight, w.requests), 1)
}

// remember adds a window to a memory of about so many requests.
func (w *window) remember(next window, requests float64) {
	keep := math.Exp(-next.requests / requests)
	w.work = w.work*keep + next.work
	w.service = w.service*keep + next.service
	w.inFlight = w.inFlight*keep + next.inFlight
	w.requests = w.requests*keep + next.requests
}

// perWork is τ, the seconds that one unit of work takes.
func (w *window) perWork() float64 { return w.service / w.work }
