// How well each rule predicts, and which one is chosen.

package predict

import "math"

// Score is how well each rule predicts requests that it has not learned from.
type Score struct {
	Rows  int // that were predicted
	Rules [ruleCount]RuleScore
}

// RuleScore is the error of one rule, which is the index in Score.Rules.
type RuleScore struct {
	R2  float64 // 1 − Σ(h−y)² / Σ(y−ȳ)²: 1 is exact, 0 no better than the mean; 0 when all work is the same
	MAE float64 // mean of |h−y|, in work
}

// scoreOf predicts samples by each rule of a formula.
func scoreOf(f *formula, samples []sample) Score {
	s := Score{Rows: len(samples)}
	if s.Rows == 0 {
		return s
	}
	mean, squares := 0.0, 0.0
	for i := range samples {
		delta := samples[i].work - mean
		mean += delta / float64(i+1)
		squares += delta * (samples[i].work - mean)
	}
	for rule := range ruleCount {
		square, absolute := 0.0, 0.0
		for i := range samples {
			miss := f.by(rule, samples[i].features()) - samples[i].work
			square += miss * miss
			absolute += math.Abs(miss)
		}
		s.Rules[rule].MAE = absolute / float64(s.Rows)
		if squares > 0 {
			s.Rules[rule].R2 = 1 - square/squares
		}
	}
	return s
}

// leastGain is the part of the variance that a rule has to explain to be used. Less may be
// noise, and to order requests by noise only takes them out of their order.
const leastGain = 0.02

// best is the rule with the least squared error.
func (s *Score) best() Rule {
	regression, hints, mean := s.Rules[Regression].R2, s.Rules[Hints].R2, s.Rules[Mean].R2
	switch {
	case max(regression, hints) < mean+leastGain:
		return Mean
	case regression >= hints:
		return Regression
	}
	return Hints
}

// proven returns the rule if it is better than the mean on these rows, or else the mean.
func (s *Score) proven(rule Rule) Rule {
	if s.Rules[rule].R2 < s.Rules[Mean].R2+leastGain {
		return Mean
	}
	return rule
}

// proven returns the best rule by the rows that are there to choose by, of those rules that are
// better than the mean both on those rows and on the test rows.
func proven(choice, test *Score) Rule {
	rule := choice.best()
	if rule == Mean || test.proven(rule) == rule {
		return rule
	}
	other := Hints + Regression - rule
	if choice.proven(other) == other {
		return test.proven(other)
	}
	return Mean
}
