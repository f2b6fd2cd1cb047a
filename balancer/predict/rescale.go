package predict

import "math"

// Rescale multiplies capacities, in place, by the one factor that makes their sum what it
// should be. It keeps two learners from carrying each other away: work is learned as service
// time × capacity, and capacity as work / service time, so that any common factor would fit
// both, and the smallest bias of either would grow without end.
//
// A capacity that cannot be, zero or less or not finite, counts as the mean of the others; if
// none can be, all are the same. The sum is to be finite and above zero.
func Rescale(capacities []float64, sum float64) {
	most, good := 0.0, 0
	for _, c := range capacities {
		if possible(c) {
			most = max(most, c)
			good++
		}
	}
	if good == 0 {
		most = 1
	}
	total := 0.0 // in units of the greatest, so that nothing overflows
	for i, c := range capacities {
		capacities[i] = 0
		if possible(c) {
			capacities[i] = c / most
			total += c / most
		}
	}
	mean := 1.0
	if good > 0 {
		mean = total / float64(good)
	}
	total = mean * float64(len(capacities))
	for i, c := range capacities {
		if c == 0 {
			c = mean
		}
		capacities[i] = c / total * sum
	}
}

func possible(capacity float64) bool { return capacity > 0 && !math.IsInf(capacity, 1) }
