// How long clients wait for the first byte before they leave.

package usage

import (
	"math"
	"slices"

	"github.com/steelyard-proxy/steelyard/metrics/stats"
)

// Patience is how long clients wait (Kaplan-Meier): who was answered might have waited longer, so that the plain part of
// those that left would say too little of the patient ones.
type Patience struct {
	Upstream string `json:"upstream,omitempty"`
	Waited   uint64 `json:"waited"` // requests that waited for a first byte
	Left     uint64 `json:"left"`   // of them, whose client left before it came
	// MedianSeconds is when half of those who still wait would have left; nil: fewer leave, or too few have.
	MedianSeconds *float64  `json:"median_s,omitempty"`
	Leaving       []Leaving `json:"leaving"`
}

// Leaving is what part of those who still wait leaves within the next five seconds.
type Leaving struct {
	After   float64 `json:"after_s"`
	Waiting uint64  `json:"waiting"` // that still waited then
	Ratio   float64 `json:"leave_ratio"`
}

const (
	leavingWithin  = 5.0 // seconds
	patienceLeast  = 20  // clients that left: of fewer little can be said
	patienceAtRisk = 20  // that still wait
)

// leavingAfter are the moments that Leaving is told of, in seconds.
var leavingAfter = []float64{0, 1, 2, 4, 8, 15, 30, 60, 120}

// survivors is the curve of those who would still wait. Answered ones are taken to have waited to the end of the range that they fell into.
func survivors(answered, left *Sketch) []stats.Stay {
	var ends []stats.Ends
	low, high := bounds(answered, left)
	for at := low; at <= high; at++ {
		ends = append(ends, stats.Ends{At: left.value(int(at - left.Low)), Event: float64(left.in(at)), Other: float64(answered.in(at))})
	}
	return stats.Survival(ends)
}

// bounds are the ranges that two sketches of one grain have values in.
func bounds(a, b *Sketch) (low, high int32) {
	low, high = math.MaxInt32, math.MinInt32
	for _, s := range []*Sketch{a, b} {
		if len(s.Bins) > 0 {
			low, high = min(low, s.Low), max(high, s.Low+int32(len(s.Bins))-1)
		}
	}
	return low, high
}

// in is how many values fell into a range.
func (s *Sketch) in(at int32) uint64 {
	if i := int(at - s.Low); i >= 0 && i < len(s.Bins) {
		return uint64(s.Bins[i])
	}
	return 0
}

// patience is that of the clients of a use.
func (u *Use) patience() Patience {
	p := Patience{Waited: u.FirstByte.N + u.Left.N, Left: u.Left.N, Leaving: []Leaving{}}
	if p.Left < patienceLeast {
		return p
	}
	curve := survivors(&u.FirstByte, &u.Left)
	if i := slices.IndexFunc(curve, func(s stats.Stay) bool { return s.Part <= 0.5 }); i >= 0 {
		p.MedianSeconds = &curve[i].At
	}
	for _, after := range leavingAfter {
		waiting := p.Waited - u.FirstByte.below(after) - u.Left.below(after)
		if waiting < patienceAtRisk {
			break
		}
		still := stats.Still(curve, after)
		p.Leaving = append(p.Leaving, Leaving{after, waiting, 1 - stats.Still(curve, after+leavingWithin)/still})
	}
	return p
}

// below is how many values were smaller.
func (s *Sketch) below(value float64) (n uint64) {
	for i, bin := range s.Bins {
		if s.value(i) >= value {
			break
		}
		n += uint64(bin)
	}
	return n
}
