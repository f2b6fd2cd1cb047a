// How many requests a server has had, and how they ended.

package backend

import "sync/atomic"

// Counts are a server's inference requests since it was made. At rest
// Requests = Completed + Aborted + Failed, and InFlight and Waiting are zero.
type Counts struct {
	Requests  int64 `json:"requests"`  // arrived
	InFlight  int64 `json:"in_flight"` // arrived and not ended, waiting ones included
	Waiting   int64 `json:"waiting"`   // of those in flight, without a slot yet
	Completed int64 `json:"completed"` // answered in full
	Aborted   int64 `json:"aborted"`   // given up because the client left
	Failed    int64 `json:"failed"`    // refused, or broken by a fault or by the server's end
}

// tally is the live form of Counts; the handler of each request writes it.
type tally struct {
	requests, inFlight, completed, aborted, failed atomic.Int64
}

// Counts reads the counters. Each is exact; together they are of one instant
// only while the server rests.
func (s *Server) Counts() Counts {
	return Counts{
		Requests:  s.tally.requests.Load(),
		InFlight:  s.tally.inFlight.Load(),
		Waiting:   int64(s.clock.signals().Waiting),
		Completed: s.tally.completed.Load(),
		Aborted:   s.tally.aborted.Load(),
		Failed:    s.tally.failed.Load(),
	}
}
