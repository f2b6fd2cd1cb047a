// The last requests of an endpoint, by the look they came in.

package anomaly

import (
	"slices"
	"sort"
)

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

// at is the one of a number, oldest first.
func (s *samples) at(i int) sample { return s.list[(s.next+i)%len(s.list)] }

// since is how many are from a look on.
func (s *samples) since(look int) int {
	return len(s.list) - sort.Search(len(s.list), func(i int) bool { return int(s.at(i).look) >= look })
}

// between are those of the looks from one to another, sorted, each less an offset.
func (s *samples) between(from, to int, offset float64) pool {
	var p pool
	for i := range s.list {
		at := s.next - 1 - i
		if at < 0 {
			at += len(s.list)
		}
		switch v := s.list[at]; {
		case int(v.look) < from:
			slices.Sort(p)
			return p
		case int(v.look) <= to:
			p = append(p, float64(v.value)-offset)
		}
	}
	slices.Sort(p)
	return p
}

// sorted are those from a look on, each less an offset.
func (s *samples) sorted(look int, offset float64) pool {
	n := s.since(look)
	p := make(pool, n)
	for i := range p {
		p[i] = float64(s.at(len(s.list)-n+i).value) - offset
	}
	slices.Sort(p)
	return p
}

func (s *samples) reset() { s.list, s.next = s.list[:0], 0 }
