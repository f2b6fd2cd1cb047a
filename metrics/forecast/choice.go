// Which model is used: the plainest that nothing has clearly beaten.

package forecast

import "math"

const (
	// choiceDays is by how many days models are compared.
	choiceDays = 7
	// beats is the part of the loss of the plain models that another one may have at most, and on winDays of the days it
	// must have less. A free choice of last week's best was up to 23 times worse than the same time yesterday.
	beats   = 0.95
	winDays = 5
	// failed is how many times the loss of a plain model the one in use may have on two days in a row. Beyond, it goes at
	// once: after a launch, last week is wrong for a week.
	failed = 2
)

// scores are the losses of all models at one horizon, by day.
type scores struct {
	days [choiceDays]dayScore // the last one is today's
	used int                  // the model in use
}

// dayScore is one day. A step counts only where every model that takes part had a forecast.
type dayScore struct {
	loss [models]float64
	n    [models]float64
}

// add counts the loss of a model today.
func (s *scores) add(m int, loss float64) {
	today := &s.days[choiceDays-1]
	today.loss[m] += loss
	today.n[m]++
}

// turn begins another day.
func (s *scores) turn() {
	copy(s.days[:], s.days[1:])
	s.days[choiceDays-1] = dayScore{}
}

// mean is the loss of a model per step over all days; NaN where it has foretold less than half of what the last value has.
func (s *scores) mean(m int) float64 {
	loss, n, all := 0.0, 0.0, 0.0
	for i := range s.days {
		loss, n, all = loss+s.days[i].loss[m], n+s.days[i].n[m], all+s.days[i].n[isLast]
	}
	if n == 0 || n < all/2 {
		return math.NaN()
	}
	return loss / n
}

// wins is on how many days one model had less loss than another.
func (s *scores) wins(m, over int) (days int) {
	for i := range s.days {
		d := &s.days[i]
		if d.n[m] > 0 && d.n[over] > 0 && d.loss[m]/d.n[m] < d.loss[over]/d.n[over] {
			days++
		}
	}
	return days
}

// choose finds the model to use from now on. allowed says which have history enough.
func (s *scores) choose(allowed func(m int) bool) {
	plain := isLast
	for _, m := range []int{isYesterday, isLastWeek} {
		if allowed(m) && s.mean(m) < s.mean(plain) {
			plain = m
		}
	}
	s.used = plain
	best := s.mean(plain) * beats
	for m := isDayProfile; m < models; m++ {
		if loss := s.mean(m); allowed(m) && loss < best && s.wins(m, plain) >= winDays {
			s.used, best = m, loss
		}
	}
	for m := range isDayProfile {
		if failed > 0 && allowed(m) && s.on(1, s.used) > failed*s.on(1, m) && s.on(2, s.used) > failed*s.on(2, m) {
			s.used = m
		}
	}
}

// on is the loss of a model per step on the day that ends, 1, or the one before, 2; NaN where there is none.
func (s *scores) on(day, m int) float64 {
	d := &s.days[choiceDays-day]
	return d.loss[m] / d.n[m]
}
