// Advice on prompts that become longer.

package advice

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

const (
	// weeksKept are remembered, and weeksLeast of them, of weekLeast requests each, are needed for a trend.
	weeksKept, weeksLeast, weekLeast = 12, 4, 100
	// sureZ is the z of a trend that chance makes in one case of twenty.
	sureZ = 1.645
	// grown is by how much prompts must have grown over all the weeks to be worth telling.
	grown = 0.1
)

// prompts has the sizes of prompts, by week: in tokens where engines said them, else in bytes.
type prompts struct {
	weeks  map[int]*week
	last   *week // that was added to, which lastAt is the number of; nil: it may have gone
	lastAt int
}

type week struct{ tokens, bytes histogram }

func newPrompts() prompts { return prompts{weeks: map[int]*week{}} }

// weekOf counts weeks from Monday to Monday, UTC.
func weekOf(t time.Time) int { return int((t.Unix()/86400 + 3) / 7) }

// add counts a request that stands for n.
func (p *prompts) add(r *usage.Row, n int) {
	at := weekOf(r.At)
	w := p.last
	if w == nil || p.lastAt != at {
		w = p.week(at)
		p.last, p.lastAt = w, at
	}
	w.tokens.add(float64(r.PromptTokens), n)
	w.bytes.add(float64(r.PromptBytes), n)
}

func (p *prompts) week(at int) *week {
	w := p.weeks[at]
	if w == nil {
		if len(p.weeks) >= weeksKept {
			p.dropOldest(at)
		}
		w = &week{}
		p.weeks[at] = w
	}
	return w
}

func (p *prompts) dropOldest(now int) {
	oldest := now
	for at := range p.weeks {
		oldest = min(oldest, at)
	}
	delete(p.weeks, oldest)
}

// weekView is the median of a week, and by how many requests it is known.
type weekView struct {
	week          int
	tokens, bytes float64
	n, ofTokens   int
}

func (p *prompts) view() (list []weekView) {
	for at, w := range p.weeks {
		list = append(list, weekView{at, w.tokens.quantile(0.5), w.bytes.quantile(0.5), w.bytes.worth(), w.tokens.worth()})
	}
	slices.SortFunc(list, func(a, b weekView) int { return a.week - b.week })
	return list
}

func growth(v *view) []Advice {
	var at, sizes []float64
	n, unit := 0, "tokens"
	for _, w := range v.prompts {
		if w.ofTokens < weekLeast {
			unit = "bytes"
		}
	}
	for _, w := range v.prompts {
		if w.week == weekOf(v.now) || w.n < weekLeast {
			continue // it is not over, or too little to go by
		}
		size := w.tokens
		if unit == "bytes" {
			size = w.bytes
		}
		at, sizes = append(at, float64(w.week)), append(sizes, math.Log(size))
		n += w.n
	}
	if len(at) < weeksLeast {
		return v.unsure(PromptGrowth, n, fmt.Sprintf("it takes %d whole weeks of %d requests each, and there are %d", weeksLeast, weekLeast, len(at)), nil)
	}
	z, slope, low, high := trend(at, sizes)
	weeks := at[len(at)-1] - at[0]
	total := math.Exp(slope*weeks) - 1
	between := [2]float64{math.Exp(low) - 1, math.Exp(high) - 1}
	evidence := map[string]any{
		"unit": unit, "weeks": len(at), "growth_per_week": math.Exp(slope) - 1, "growth": total, "z": z,
		"first_median": math.Exp(sizes[0]), "last_median": math.Exp(sizes[len(sizes)-1]),
	}
	if z < sureZ || total < grown {
		a := v.well(PromptGrowth, n, fmt.Sprintf("prompts do not grow: the median is %.0f %s, and was %.0f %d weeks ago", math.Exp(sizes[len(sizes)-1]), unit, math.Exp(sizes[0]), int(weeks)), evidence)
		a[0].Interval = &between
		return a
	}
	a := v.told(PromptGrowth, Advised, n, fmt.Sprintf("prompts grow by %s a week: the median is %.0f %s, and was %.0f %d weeks ago. Look who sends longer ones, and reckon with more work for each request",
		percent(math.Exp(slope)-1), math.Exp(sizes[len(sizes)-1]), unit, math.Exp(sizes[0]), int(weeks)), evidence)
	a.Interval = &between
	return []Advice{a}
}

// trend is Mann and Kendall's test, and the slope of Theil and Sen with the range that holds nine of ten slopes.
func trend(x, y []float64) (z, slope, low, high float64) {
	var slopes []float64
	s := 0.0
	for i := range x {
		for j := range i {
			slopes = append(slopes, (y[i]-y[j])/(x[i]-x[j]))
			switch {
			case y[i] > y[j]:
				s++
			case y[i] < y[j]:
				s--
			}
		}
	}
	n := float64(len(x))
	if s != 0 {
		z = (s - math.Copysign(1, s)) / math.Sqrt(n*(n-1)*(2*n+5)/18)
	}
	slices.Sort(slopes)
	at := func(q float64) float64 { return slopes[int(math.Round(q*float64(len(slopes)-1)))] }
	return z, at(0.5), at(0.05), at(0.95)
}
