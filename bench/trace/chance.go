// Drawing numbers that are spread as those of published traces are.

package trace

import (
	"math"
	"math/rand/v2"
	"sort"
)

// point says that a part of all lengths, from 0 to 1, is at most so long.
type point struct{ part, length float64 }

// quantiles say how lengths are spread: by points, from the part 0 to the part 1. Between two points lengths grow by
// equal factors.
type quantiles []point

// at is the length that a part of all do not exceed, in whole tokens.
func (q quantiles) at(part float64) float64 {
	i := sort.Search(len(q)-1, func(i int) bool { return q[i].part > part })
	i = min(max(i, 1), len(q)-1)
	a, b := q[i-1], q[i]
	if b.part == a.part {
		return b.length
	}
	return a.length * math.Pow(b.length/a.length, (part-a.part)/(b.part-a.part))
}

// draw is a length for a number drawn from 0 to 1.
func (q quantiles) draw(part float64) int { return max(int(math.Round(q.at(part))), 1) }

// gamma draws from the gamma distribution of a shape and the mean 1 (Marsaglia and Tsang 2000).
func gamma(shape float64, chance *rand.Rand) float64 {
	k, boost := shape, 1.0
	if shape < 1 {
		k = shape + 1
		boost = math.Pow(1-chance.Float64(), 1/shape)
	}
	d := k - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := chance.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-chance.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v * boost / shape
		}
	}
}

// leastCV keeps gaps that are nearly equal from needing a shape without bounds.
const leastCV = 0.05

// renewals are the times, within a span, of arrivals whose gaps are independent, of gamma distribution, with this mean and
// this standard deviation over the mean. Who looks at them begins at no special time: the first gap is what is left of
// one that it falls into, which long ones are likelier to be.
func renewals(mean, cv, span float64, chance *rand.Rand) (times []float64) {
	shape := 1 / math.Pow(max(cv, leastCV), 2)
	at := chance.Float64() * gamma(shape+1, chance) * mean * (shape + 1) / shape
	for at < span {
		times = append(times, at)
		at += gamma(shape, chance) * mean
	}
	return times
}
