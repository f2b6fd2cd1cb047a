// Orders that an actuator has settled.

package autoscale

import "sync"

// mostSettled is how many orders are remembered.
const mostSettled = 256

// Settled remembers what an actuator answered to its orders, so that one which is given again is not carried out again. The
// zero value remembers none. It may be used by any goroutine.
type Settled struct {
	mu     sync.Mutex
	orders []answered // the newest last; guarded by mu
}

type answered struct {
	id  string
	err error
}

// Said is what was answered to an order, if it has been settled.
func (s *Settled) Said(id string) (settled bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.orders {
		if o.id == id {
			return true, o.err
		}
	}
	return false, nil
}

// Add notes an answer. An order without an ID is never the same as another.
func (s *Settled) Add(id string, err error) {
	if id == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders = append(s.orders, answered{id, err})
	s.orders = s.orders[max(0, len(s.orders)-mostSettled):]
}
