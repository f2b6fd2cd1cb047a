// How an engine works: by what law requests that are there at once slow each other.

package replay

import "math"

// law is how fast each of n requests goes, 1 being the speed of one alone: up to slots they slow each other a little, and beyond them
// they share what there is.
type law struct {
	slots   int // 0: more than were ever there
	slowing float64
}

func (l law) speed(n int) float64 {
	if n <= 0 {
		return 1
	}
	at := n
	if l.slots > 0 {
		at = min(n, l.slots)
	}
	return float64(at) / float64(n) / (1 + l.slowing*float64(at-1))
}

const (
	// levelLeast is how many requests must have begun among so many others for that number to count.
	levelLeast = 30
	// better is the part of the misfit that a law may leave which says more than that requests do not matter to each other.
	better = 0.5
	// noisy is the misfit that is no more than chance, for each level: the logarithms of means differ by about one divided by the
	// root of the number.
	noisy = 4
)

// slowings are what is tried.
var slowings = []float64{0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1}

// law finds the one by which requests were the same work however many others there were when they began: those know nothing of
// each other, so that this must be so.
func (t *timeline) law() law {
	plain := law{}
	best, found := t.misfit(plain), plain
	if best.value <= noisy*float64(best.levels) {
		return plain
	}
	limit := best.value * better
	try := func(l law) {
		if m := t.misfit(l); m.value < limit {
			limit, found = m.value, l
		}
	}
	for _, s := range slowings {
		try(law{slowing: s})
	}
	for k := 1; 2*k <= t.most; k = max(k+1, k*5/4) {
		try(law{slots: k})
	}
	return found
}

// misfit is how far the levels are apart, in what chance would make them.
type misfit struct {
	value  float64
	levels int
}

func (t *timeline) misfit(l law) (m misfit) {
	type sums struct{ work, size, n float64 }
	levels := map[int]*sums{}
	for i, work := range t.alone(l) {
		v := &t.visits[i]
		level := int(math.Round(2 * math.Log2(float64(max(v.among, 1)))))
		s := levels[level]
		if s == nil {
			s = &sums{}
			levels[level] = s
		}
		size := v.size
		if size <= 0 {
			size = 1
		}
		s.work, s.size, s.n = s.work+work, s.size+size, s.n+1
	}
	mean, weight := 0.0, 0.0
	for _, s := range levels {
		if s.n >= levelLeast {
			mean += s.n * math.Log(s.work/s.size)
			weight += s.n
		}
	}
	for _, s := range levels {
		if s.n >= levelLeast {
			off := math.Log(s.work/s.size) - mean/weight
			m.value += s.n * off * off
			m.levels++
		}
	}
	return m
}
