// The last requests of an endpoint, by the look they came in.

package anomaly

import "slices"

const (
	// mostSamples bounds the requests of one endpoint that are kept; a busy one needs none of ten minutes ago.
	mostSamples = 4096
	// longest is the widest window, in looks.
	longest = 60
	// eachSide is how many requests an endpoint and its peers must have in a window.
	eachSide = 50
)

// windows are the widths, in looks, the first that has requests enough being used.
var windows = []int{3, 6, 12, 30, longest}

// sample is how long a request took for its work, as a logarithm.
type sample struct {
	look  int32
	value float32
}

// samples are the last ones, oldest first from next on.
type samples struct {
	list []sample
	next int
}

func (s *samples) add(look int, value float64) {
	v := sample{int32(look), float32(value)}
	if len(s.list) < mostSamples {
		s.list = append(s.list, v)
		return
	}
	s.list[s.next] = v
	s.next = (s.next + 1) % mostSamples
}

// each goes through those from a look on, the newest first.
func (s *samples) each(look int, f func(value float64)) {
	for i := range s.list {
		at := s.next - 1 - i
		if at < 0 {
			at += len(s.list)
		}
		if v := s.list[at]; int(v.look) < look {
			return
		} else {
			f(float64(v.value))
		}
	}
}

// sorted are those from a look on, each less an offset.
func (s *samples) sorted(look int, offset float64) pool {
	var p pool
	s.each(look, func(v float64) { p = append(p, v-offset) })
	slices.Sort(p)
	return p
}

func (s *samples) reset() { s.list, s.next = s.list[:0], 0 }
