// Quantiles in little memory, with a bound on their error.

package usage

import "math"

// Sketch keeps how many values fell into which of many narrow ranges (DDSketch): a quantile is within
// its grain of the true one, relatively, and two sketches of one grain add up exactly. Its zero value is
// empty, with a grain of 5 %. It is an algorithm of some 60 lines, and a library's has its own memory for each.
type Sketch struct {
	Fine bool     // a grain of 1 %
	Low  int32    // the range that Bins begins with
	Bins []uint32 // how many values in each range
	N    uint64   // how many in all
}

// fineGrain and coarseGrain are the most that a quantile is off, relatively.
const (
	fineGrain   = 0.01
	coarseGrain = 0.05
	// Values beyond these count as them.
	leastValue, mostValue = 1e-6, 1e9
	// room is how many ranges are added at once.
	room = 4
)

var fineLog, coarseLog = math.Log((1 + fineGrain) / (1 - fineGrain)), math.Log((1 + coarseGrain) / (1 - coarseGrain))

func (s *Sketch) width() float64 {
	if s.Fine {
		return fineLog
	}
	return coarseLog
}

// Add takes in a value; what is not above 0 is none.
func (s *Sketch) Add(value float64) { s.put(markOf(value)) }

// mark is a value as sketches take it, reckoned once for several of them.
type mark struct {
	fine, coarse int32 // the range that it falls into
	none         bool
}

func markOf(value float64) mark {
	if !(value > 0) {
		return mark{none: true}
	}
	log := math.Log(min(max(value, leastValue), mostValue))
	return mark{fine: int32(math.Ceil(log / fineLog)), coarse: int32(math.Ceil(log / coarseLog))}
}

func (s *Sketch) put(m mark) {
	if m.none {
		return
	}
	at := m.coarse
	if s.Fine {
		at = m.fine
	}
	s.reach(at, at)
	s.N++
	if bin := &s.Bins[at-s.Low]; *bin < math.MaxUint32 {
		*bin++
	}
}

// reach makes room for the ranges from low to high.
func (s *Sketch) reach(low, high int32) {
	switch {
	case len(s.Bins) == 0:
		s.Low, s.Bins = low, make([]uint32, high-low+1, high-low+1+room)
	case low < s.Low:
		more := s.Low - low + room
		s.Bins = append(make([]uint32, more, int(more)+len(s.Bins)), s.Bins...)
		s.Low -= more
	}
	if missing := int(high-s.Low) + 1 - len(s.Bins); missing > 0 {
		s.Bins = append(s.Bins, make([]uint32, missing+room)...)
	}
}

// Merge adds what another sketch has. Where that has another grain its values are taken for the middle of their ranges.
func (s *Sketch) Merge(other *Sketch) {
	if len(other.Bins) == 0 {
		return
	}
	if s.Fine != other.Fine {
		other = other.as(s.Fine)
	}
	s.reach(other.Low, other.Low+int32(len(other.Bins))-1)
	for i, n := range other.Bins {
		bin := &s.Bins[int(other.Low-s.Low)+i]
		*bin = uint32(min(uint64(*bin)+uint64(n), math.MaxUint32))
	}
	s.N += other.N
}

// as is the sketch with another grain.
func (s *Sketch) as(fine bool) *Sketch {
	other := &Sketch{Fine: fine}
	for i, n := range s.Bins {
		if n == 0 {
			continue
		}
		m := markOf(s.value(i))
		at := m.coarse
		if fine {
			at = m.fine
		}
		other.reach(at, at)
		bin := &other.Bins[at-other.Low]
		*bin = uint32(min(uint64(*bin)+uint64(n), math.MaxUint32))
	}
	other.N = s.N
	return other
}

// Quantile is the value of which a part q of all, 0 to 1, is smaller or equal; 0 where there is none.
func (s *Sketch) Quantile(q float64) float64 {
	if s.N == 0 {
		return 0
	}
	rank, seen := uint64(q*float64(s.N-1)), uint64(0)
	for i, n := range s.Bins {
		if seen += uint64(n); seen > rank {
			return s.value(i)
		}
	}
	return s.value(len(s.Bins) - 1)
}

// value stands for all values of the range that Bins has at i.
func (s *Sketch) value(i int) float64 {
	width := s.width()
	return 2 * math.Exp(width*float64(int(s.Low)+i)) / (1 + math.Exp(width))
}
