// How long an endpoint takes for a request, as measured lately.

package dispatch

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Service is how long an endpoint takes for a request, as measured lately: a geometric mean,
// in which neither a cold start nor a few very long requests count for much. It is what the
// endpoint's hardware, its batch and its clients make of it; the capacity that was configured
// has no part in it. Its zero value knows nothing. Moments are by any one monotonic clock.
type Service struct {
	mu            sync.Mutex
	seconds, size Mean          // logarithms; guarded by mu
	plain, sized  atomic.Uint64 // bits of a float64: seconds of any request, and of one of size 1; 0: not known yet
	touched       atomic.Int64  // when a request began here, or ended, last
}

// Seconds returns how long a request takes, or one of size 1 if sizes can be trusted; 0 while
// that is not known.
func (s *Service) Seconds(trusted bool) float64 {
	if trusted {
		return math.Float64frombits(s.sized.Load())
	}
	return math.Float64frombits(s.plain.Load())
}

// Touch notes that a request begins or ends now.
func (s *Service) Touch(now time.Duration) { s.touched.Store(int64(now)) }

// Silent returns for how long no request has begun or ended.
func (s *Service) Silent(now time.Duration) time.Duration {
	return now - time.Duration(s.touched.Load())
}

// Stale reports whether the service time was known, but for so long nothing was heard of the
// endpoint that it may have another one by now.
func (s *Service) Stale(now time.Duration) bool {
	usual := s.Seconds(false)
	return usual > 0 && s.Silent(now).Seconds() > Tuned.StaleAfter*usual
}

// Learn takes in a request that was served, its size, and whether the service time was stale
// when it began.
func (s *Service) Learn(took time.Duration, size float64, stale bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stale && took.Seconds() < s.Seconds(false) { // if it took longer that may be a cold start
		s.seconds.Seen = min(s.seconds.Seen, Tuned.StaleKeeps)
		s.size.Seen = s.seconds.Seen
	}
	s.seconds.Learn(math.Log(took.Seconds()), Tuned.ServiceHorizon)
	s.size.Learn(math.Log(size), Tuned.ServiceHorizon)
	if s.seconds.Seen >= Tuned.ServiceKnown || s.Seconds(false) > 0 {
		s.plain.Store(math.Float64bits(math.Exp(s.seconds.Value)))
		s.sized.Store(math.Float64bits(math.Exp(s.seconds.Value - s.size.Value)))
	}
}
