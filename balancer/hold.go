// Holding requests for endpoints that have still to come.

package balancer

// holds reports whether requests wait though nobody is eligible.
func (q *queue) holds() bool { return q.hold > 0 }

// holds says whether nobody is eligible for want of endpoints, and not because those that there are fail: one has
// still to arrive or, where that is to count, there is none but those that leave.
func (s *Snapshot) holds(empty bool) bool {
	failing := false
	for i := range s.Endpoints {
		e := &s.Endpoints[i]
		switch {
		case e.Eligible:
			return false
		case e.Conditions&Arriving != 0 && e.Conditions&(Draining|Departing) == 0:
			return true
		case e.Conditions&(Draining|Departing) == 0:
			failing = true
		}
	}
	return empty && !failing
}
