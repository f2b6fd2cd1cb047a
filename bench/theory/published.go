// Formulas as they were published, and why they do not hold.

package theory

import (
	"fmt"
	"math"
	"strings"
)

// Claim is a formula for sharing traffic as it was published, and why it does not hold.
type Claim struct {
	Formula string
	Meant   string    // what it is given as
	Values  []float64 // what it yields: one for each endpoint, or one in all
	Split   *Split    // what comes of sharing the traffic so; nil where it says nothing of shares
	Wrong   string    // for people, with the figures
}

// PublishedSplit is the rule T_i = T/(n·C_i) with its values scaled so that they do sum to
// T: every endpoint gets in inverse proportion to its capacity, the slowest the most.
func PublishedSplit(capacities []float64, rate float64) Split {
	inverse := make([]float64, len(capacities))
	for i, c := range capacities {
		inverse[i] = 1 / c
	}
	return StaticSplit(capacities, proportional(inverse, rate))
}

// Published returns the three published formulas, in the order of their derivation, with
// what each yields for the fleet.
func Published(capacities []float64, rate float64) []Claim {
	n := float64(len(capacities))
	perEndpoint := make([]float64, len(capacities))
	steps := make([]float64, len(capacities))
	for i, c := range capacities {
		perEndpoint[i], steps[i] = rate/(n*c), rate/c
	}
	scaled := PublishedSplit(capacities, rate)
	return []Claim{
		{
			Formula: "T_i = T/(n·C_i)", Meant: "the traffic of endpoint i", Values: perEndpoint, Split: &scaled,
			Wrong: fmt.Sprintf("A rate over a rate is a bare number, no traffic: the values %s sum to %.4g, not to T = %.4g. "+
				"Scaled to T they are %s, which gives the slowest endpoint the most: %s.",
				figures(perEndpoint), sum(perEndpoint), rate, figures(scaled.Rates), outcome(scaled)),
		},
		{
			Formula: "T_i = T/C_i, R = ΣT_i/n", Meant: "the steps to the mean response time", Values: steps,
			Wrong: fmt.Sprintf("The values %s are how many times over each endpoint would be loaded if it got all of T. "+
				"Their mean, %.2f, has no unit of time, and it does not grow without bound as T comes to ΣC = %.4g.",
				figures(steps), sum(steps)/n, sum(capacities)),
		},
		{
			Formula: "R = T/(n·C), C = ΣC", Meant: "the mean response time", Values: []float64{rate / (n * sum(capacities))},
			Wrong: fmt.Sprintf("%.2f is the utilisation T/ΣC = %.2f over n = %d: no time, the same for a fleet a thousand times faster with a thousand times the traffic, and finite where requests wait forever.",
				rate/(n*sum(capacities)), rate/sum(capacities), len(capacities)),
		},
	}
}

// outcome says in words whether a split is stable.
func outcome(s Split) string {
	worst := 0.0
	for _, u := range s.Utilisation {
		worst = max(worst, u)
	}
	if math.IsInf(s.Mean, 1) {
		return fmt.Sprintf("it would be %.4g times as busy as it can be, and its queue grows without bound", worst)
	}
	return fmt.Sprintf("R = %.4g s, at a utilisation of %.4g", s.Mean, worst)
}

func figures(values []float64) string {
	const most = 8
	var all []string
	for i, v := range values {
		if i == most {
			all = append(all, "...")
			break
		}
		all = append(all, fmt.Sprintf("%.4g", v))
	}
	return strings.Join(all, ", ")
}
