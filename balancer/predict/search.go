// Finding the settings of the descent by trying them.

package predict

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// candidate is a setting that a search tries.
type candidate struct {
	setting
	coefficients
	held float64 // cost on held-out rows, which it does not learn from
}

// candidates are all settings that a search tries.
func candidates() []candidate {
	var all []candidate
	for _, wide := range []bool{false, true} {
		for _, rate := range []float64{0.3, 0.1, 0.03, 0.01, 0.003} {
			for _, l2 := range []float64{0, 1e-4, 1e-3, 1e-2} {
				all = append(all, candidate{setting: setting{rate, l2, wide}})
			}
		}
	}
	return all
}

// search tries every setting, from zero coefficients on. In each round the settings that are
// left make twice as many passes as in the one before; then the half with the lower cost on
// held-out rows stays.
func search(train, held *dataset, g learning) candidate {
	left := candidates()
	for passes := 1; ; passes *= 2 {
		for i := range left {
			for range passes {
				left[i].try(train, g.random)
				g.pause()
			}
			left[i].judge(held)
		}
		slices.SortStableFunc(left, func(a, b candidate) int { return cmp.Compare(a.held, b.held) })
		if len(left) == 1 {
			return left[0]
		}
		left = left[:(len(left)+1)/2]
	}
}

func (c *candidate) try(train *dataset, random *rand.Rand) {
	train.pass(&c.coefficients, c.setting, random)
}

// judge sets the cost on held-out rows. It is infinite for a descent that does not converge.
func (c *candidate) judge(held *dataset) {
	c.held = held.cost(&c.coefficients, c.terms())
	if !c.finite() || math.IsNaN(c.held) {
		c.held = math.Inf(1)
	}
}
