// Fitting a model to a table, and testing it on rows set apart.

package table

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Options of Fit; zero values take the defaults.
type Options struct {
	Epochs int     // passes over the rows; as many as 3000 steps take, but 100 at least
	Test   float64 // the part of the rows that is set apart, above 0 and below 1; 0.2
	Seed   uint64  // of the split and of the order of rows
}

// Report is how the fit went.
type Report struct {
	Trained, Tested int       // rows
	Constant        []string  // features that are the same in all rows, which say nothing
	Rate, L2        float64   // as found
	Costs           []float64 // J = 1/2m Σ (h−y)² before the first epoch and after each, of rows learned from, in label²
	features        int
	Model, Mean     Score // on the rows set apart: of the model, and of the mean of the others
}

// Better says whether the model predicts rows set apart better than their mean would, by more
// than chance explains.
func (r *Report) Better() bool { return r.Model.R2 >= r.Mean.R2+r.chance() }

// chance is the R² that two in a hundred models of noise alone gain over the mean. With k
// features such a model explains k/trained of what it has learned from; on the rows set apart
// that comes to a gain of either sign, with a deviation of 2√(k/trained/tested). Few rows get
// a chance too: half of the variance is no noise.
func (r *Report) chance() float64 {
	k := float64(r.features - len(r.Constant))
	return min(0.5, 4*math.Sqrt(k/float64(r.Trained)/float64(r.Tested)))
}

// leastRows is how many rows make a test of two.
const leastRows = 10

// Fit learns a model from the rows. The error says why there is none to be learned.
func (r *Rows) Fit(o Options) (*Model, *Report, error) {
	o.Test = cmp.Or(o.Test, 0.2)
	n, k := len(r.y), len(r.Features)
	if n < leastRows {
		return nil, nil, fmt.Errorf("there are %d good rows, at least %d are needed", n, leastRows)
	}
	test := min(max(int(math.Round(o.Test*float64(n))), 2), n-2)
	if n-test < k+2 {
		return nil, nil, fmt.Errorf("there are %d rows to learn %d coefficients from: give more rows or fewer features", n-test, k+1)
	}
	random := rand.New(rand.NewPCG(o.Seed, 0x7461626c65))
	order := random.Perm(n)
	set, s := standardise(r, order[test:])
	if s.label.spread == 0 {
		return nil, nil, fmt.Errorf("the label %q is %g in all rows: there is nothing to learn", r.Label, s.label.mean)
	}
	report := &Report{Trained: n - test, Tested: test, features: k}
	for j := range s.features {
		if s.features[j].spread == 0 {
			report.Constant = append(report.Constant, r.Features[j])
		}
	}
	if len(report.Constant) == k {
		return nil, nil, fmt.Errorf("each feature is the same in all rows: there is nothing to learn from")
	}
	best := set.search(random)
	report.Rate, report.L2 = best.rate, best.l2
	w := newWeights(k)
	square := s.label.spread * s.label.spread
	report.Costs = append(report.Costs, square*set.cost(w))
	for range cmp.Or(o.Epochs, max(100, set.passesFor(3000))) {
		set.pass(w, best.setting, random)
		report.Costs = append(report.Costs, square*set.cost(w))
	}
	m := s.model(r, w)
	if err := m.check(); err != nil {
		return nil, nil, fmt.Errorf("the model cannot be used: %w", err)
	}
	report.Model, report.Mean = r.score(order[:test], m.Predict), r.score(order[:test], func([]float64) float64 { return s.label.mean })
	m.Rows, m.TestRows, m.Score = n, test, report.Model
	return m, report, nil
}

// setting is what is found by trying: α, and λ against weights that grow too large.
type setting struct{ rate, l2 float64 }

// candidate is a setting on trial.
type candidate struct {
	setting
	weights weights
	held    float64 // cost on rows that it does not learn from
}

// search tries every setting on four fifths of the rows: each round gives those that are
// left twice the passes of the one before, and the better half by the cost on the rest stays.
func (d *dataset) search(random *rand.Rand) candidate {
	const mostRows = 20_000
	d = d.first(mostRows)
	held := max(len(d.y)/5, 1)
	train, tune := d.part(held, len(d.y)), d.part(0, held)
	var left []candidate
	for _, rate := range []float64{0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001} {
		for _, l2 := range []float64{0, 1e-4, 1e-2} {
			left = append(left, candidate{setting: setting{rate, l2}, weights: newWeights(d.k)})
		}
	}
	for passes := train.passesFor(32); ; passes *= 2 {
		for i := range left {
			for range passes {
				train.pass(left[i].weights, left[i].setting, random)
			}
			if left[i].held = tune.cost(left[i].weights); math.IsNaN(left[i].held) {
				left[i].held = math.Inf(1) // it has run away
			}
		}
		slices.SortStableFunc(left, func(a, b candidate) int { return cmp.Compare(a.held, b.held) })
		if len(left) == 1 {
			return left[0]
		}
		left = left[:(len(left)+1)/2]
	}
}
