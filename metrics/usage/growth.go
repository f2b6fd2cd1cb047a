// Prompts that grow from week to week.

package usage

import (
	"cmp"
	"slices"
	"time"
)

// Growth is a model whose prompts grow, or shrink.
type Growth struct {
	Upstream    string  `json:"upstream"`
	Model       string  `json:"model"`
	Weeks       int     `json:"weeks"`
	FirstMedian float64 `json:"first_median_tokens"`
	LastMedian  float64 `json:"last_median_tokens"`
	Chance      float64 `json:"chance"` // that weeks without a trend look like this (Mann-Kendall)
}

const (
	growthWeeks  = 5  // of fewer no order is rare enough to mean anything
	growthLeast  = 50 // prompts in a week
	growthChance = 0.05
	growthRatio  = 1.1 // of the last median to the first; less is not worth a word
)

// growth are the models whose prompts have changed steadily, by weekly medians. The week under way does not count.
func (s *Series) growth(now time.Time) (list []Growth) {
	this := weekOf(now)
	for of, weeks := range s.Prompts {
		weeks = slices.SortedFunc(slices.Values(weeks), func(a, b Prompts) int { return cmp.Compare(a.Week, b.Week) })
		var medians []float64
		for i := range weeks {
			if weeks[i].Week < this && weeks[i].Length.N >= growthLeast {
				medians = append(medians, weeks[i].Length.Quantile(0.5))
			}
		}
		if len(medians) < growthWeeks {
			continue
		}
		first, last := medians[0], medians[len(medians)-1]
		if max(first/last, last/first) < growthRatio {
			continue
		}
		if chance := trendChance(medians); chance < growthChance {
			list = append(list, Growth{of.Upstream, of.Model, len(medians), first, last, chance})
		}
	}
	slices.SortFunc(list, func(a, b Growth) int {
		return cmp.Or(cmp.Compare(a.Upstream, b.Upstream), cmp.Compare(a.Model, b.Model))
	})
	return list
}

// trendChance is how likely values without a trend are in so much of an order, up or down (Mann-Kendall, exact).
func trendChance(values []float64) float64 {
	rising, falling, n := 0, 0, len(values)
	for i := range values {
		for j := range i {
			switch {
			case values[j] < values[i]:
				rising++
			case values[j] > values[i]:
				falling++
			}
		}
	}
	pairs := n * (n - 1) / 2
	// Equal values say nothing for a trend: half of those pairs count against it.
	against := min(rising, falling) + (pairs-rising-falling+1)/2
	// inversions[k] is in which part of all orders k pairs are the wrong way round.
	inversions := make([]float64, pairs+1)
	inversions[0] = 1
	for length := 2; length <= n; length++ {
		next := make([]float64, pairs+1)
		for k := range next {
			for more := range min(length, k+1) {
				next[k] += inversions[k-more] / float64(length)
			}
		}
		inversions = next
	}
	chance := 0.0
	for k := 0; k <= against && k <= pairs; k++ {
		chance += inversions[k]
	}
	return min(2*chance, 1)
}
