// The last requests of an endpoint, by the look they came in.

package anomaly

const (
	// mostSamples bounds the requests of one endpoint that are kept; a busy one needs none of ten minutes ago.
	mostSamples = 2048
	// longest is the widest window, in looks.
	longest = 60
)

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

// each shows those from a look on, the newest first.
func (s *samples) each(from int, show func(look int, value float64)) {
	for i := range s.list {
		at := s.next - 1 - i
		if at < 0 {
			at += len(s.list)
		}
		v := s.list[at]
		if int(v.look) < from {
			return
		}
		show(int(v.look), float64(v.value))
	}
}

// held is of how many looks all are there, up to the longest window.
func (s *samples) held(look int) int {
	if len(s.list) < mostSamples {
		return longest
	}
	return min(max(look-int(s.list[s.next].look), 1), longest)
}

func (s *samples) reset() { s.list, s.next = s.list[:0], 0 }
