// What keeps a seat from being picked just now.

package balancer

// obstacles is a set of reasons why a seat cannot be picked just now. Each has one writer. The
// picker is told when the first one comes, and when the last one goes.
type obstacles uint8

const (
	full       obstacles = 1 << iota // its slots are all in use; written by show
	out                              // connections to its endpoint fail, which is left alone for a moment; written by showOutage
	beingTried                       // one request is finding out whether the endpoint can be reached; written by showOutage
	onTrial                          // as many requests as may are finding out whether the endpoint serves well again; written by showTrial
	coolingOff                       // its endpoint has asked for a pause; written by showCooling
	masked                           // it is kept from the request that the picker is being asked about; written by mask and unmask

	// soft are those in spite of which a seat is used where there is no other.
	soft = out | beingTried | onTrial | coolingOff
)

// put sets those of the seat's obstacles that are in which to what they are in now, and leaves
// the others.
func (s *seats) put(i int, which, now obstacles) {
	before := s.obstacles[i]
	after := before&^which | now
	s.obstacles[i] = after
	if (before == 0) == (after == 0) {
		return
	}
	if after == 0 {
		s.open++
	} else {
		s.open--
	}
	s.guard.open(i, after == 0)
}

// mask keeps an open seat from the picker until unmask.
func (s *seats) mask(i int) {
	if s.obstacles[i] == 0 {
		s.put(i, masked, masked)
		s.masked = append(s.masked, i)
	}
}

// unmask ends what mask did. s may be nil.
func (s *seats) unmask() {
	if s != nil && len(s.masked) > 0 {
		s.unmaskAll()
	}
}

func (s *seats) unmaskAll() {
	for _, i := range s.masked {
		s.put(i, masked, 0)
	}
	s.masked = s.masked[:0]
}
