// From values to pixels, and round numbers for axes.

package report

import "math"

// scale maps values to pixels.
type scale struct {
	from, to  float64 // values
	low, high float64 // pixels they are at
	bend      func(float64) float64
}

func straight(v float64) float64 { return v }

// tail spreads a part of requests, 0 to 1, by how few are left: as much room for 90 to 99 % as for 99 to 99.9 %.
func tail(q float64) float64 { return -math.Log10(1 - q) }

// at is the pixel of a value, to a tenth; what is outside lies on the edge.
func (s scale) at(v float64) float64 {
	v = min(max(v, min(s.from, s.to)), max(s.from, s.to))
	from, to := s.bend(s.from), s.bend(s.to)
	return math.Round(10*(s.low+(s.high-s.low)*(s.bend(v)-from)/(to-from))) / 10
}

// tick is a value with a name on an axis.
type tick struct {
	At   float64 // pixel
	Text string
}

// ticks puts names to the round values of a scale.
func (s scale) ticks(values []float64, name func(float64) string) (list []tick) {
	for _, v := range values {
		if v >= s.from*(1-1e-9) && v <= s.to*(1+1e-9) {
			list = append(list, tick{s.at(v), name(v)})
		}
	}
	return list
}

// decades are 1, 2 and 5 times the powers of ten from low to high, fewer of them where there are many.
func decades(low, high float64) (values []float64) {
	steps := []float64{1, 2, 5}
	if math.Log10(high/low) > 3 {
		steps = steps[:1]
	}
	for power := math.Floor(math.Log10(low)); power <= math.Log10(high); power++ {
		for _, step := range steps {
			values = append(values, step*math.Pow(10, power))
		}
	}
	return values
}

// evenly are round values from 0 to high, about as many as asked for.
func evenly(high float64, about int) (values []float64) {
	if !(high > 0) {
		return []float64{0}
	}
	raw := high / float64(about)
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * power
	for _, nice := range []float64{1, 2, 2.5, 5} {
		if nice*power >= raw {
			step = nice * power
			break
		}
	}
	for i := 0; float64(i)*step <= high*(1+1e-9); i++ {
		values = append(values, float64(i)*step)
	}
	return values
}
