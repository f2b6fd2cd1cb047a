// Fitting weights to standardised columns by gradient descent.

package table

import (
	"math"
	"math/rand/v2"
)

// weights are θ over standardised features, with the intercept last.
type weights []float64

func newWeights(features int) weights { return make(weights, features+1) }

// dataset has standardised rows.
type dataset struct {
	k     int
	x     []float64
	y     []float64
	order []int // in which the next pass goes; shuffled by each
}

// moments are the mean and the spread of one column; 0 where all rows have the same.
type moments struct{ mean, spread float64 }

// standard moves columns to mean 0 and spread 1, so that one rate fits all.
type standard struct {
	features []moments
	label    moments
}

// standardise takes over some rows, by a standard of their own.
func standardise(r *Rows, rows []int) (*dataset, *standard) {
	k := len(r.Features)
	s := &standard{features: make([]moments, k)}
	d := &dataset{k: k, x: make([]float64, len(rows)*k), y: make([]float64, len(rows))}
	column := make([]float64, len(rows))
	for j := range k {
		for i, row := range rows {
			column[i] = r.x[row*k+j]
		}
		s.features[j] = momentsOf(column)
		for i, v := range column {
			d.x[i*k+j] = s.features[j].standard(v)
		}
	}
	for i, row := range rows {
		column[i] = r.y[row]
	}
	s.label = momentsOf(column)
	for i, v := range column {
		d.y[i] = s.label.standard(v)
	}
	return d.first(len(rows)), s
}

// momentsOf goes by the largest deviation first, so that no square is lost or overflows.
func momentsOf(column []float64) moments {
	var m moments
	for i, v := range column {
		m.mean += (v - m.mean) / float64(i+1)
	}
	largest := 0.0
	for _, v := range column {
		largest = max(largest, math.Abs(v-m.mean))
	}
	if largest <= 1e-12*math.Abs(m.mean) { // the same, but for rounding
		return m
	}
	sum := 0.0
	for _, v := range column {
		part := (v - m.mean) / largest
		sum += part * part
	}
	m.spread = largest * math.Sqrt(sum/float64(len(column)))
	return m
}

func (m moments) standard(v float64) float64 {
	if m.spread == 0 {
		return 0
	}
	return (v - m.mean) / m.spread
}

// first is a dataset of the first rows only.
func (d *dataset) first(n int) *dataset { return d.part(0, min(n, len(d.y))) }

func (d *dataset) part(from, to int) *dataset {
	p := &dataset{k: d.k, x: d.x[from*d.k : to*d.k], y: d.y[from:to], order: make([]int, to-from)}
	for i := range p.order {
		p.order[i] = i
	}
	return p
}

const batch = 32

// passesFor is how many passes make so many steps.
func (d *dataset) passesFor(steps int) int {
	each := (len(d.y) + batch - 1) / batch
	return (steps + each - 1) / each
}

// cost is J(θ) = 1/2m Σ (h(x) − y)², in units of the label's spread.
func (d *dataset) cost(w weights) float64 {
	sum := 0.0
	for i := range d.y {
		miss := d.predict(w, i) - d.y[i]
		sum += miss * miss
	}
	return sum / float64(2*len(d.y))
}

func (d *dataset) predict(w weights, i int) float64 {
	sum := w[d.k]
	for j, v := range d.x[i*d.k : (i+1)*d.k] {
		sum += w[j] * v
	}
	return sum
}

// pass goes once over all rows in random order, a step of θ_j ← θ_j − α (∂J/∂θ_j + λ θ_j)
// after each batch, and ends at the mean of the steps, which is steadier than the last one.
func (d *dataset) pass(w weights, s setting, random *rand.Rand) {
	random.Shuffle(len(d.order), func(i, j int) { d.order[i], d.order[j] = d.order[j], d.order[i] })
	mean, gradient, steps := newWeights(d.k), newWeights(d.k), 0.0
	for order := d.order; len(order) > 0; {
		rows := order[:min(batch, len(order))]
		order = order[len(rows):]
		clear(gradient)
		for _, i := range rows {
			miss := d.predict(w, i) - d.y[i]
			for j, v := range d.x[i*d.k : (i+1)*d.k] {
				gradient[j] += miss * v
			}
			gradient[d.k] += miss
		}
		steps++
		for j := range w {
			step := s.rate * gradient[j] / float64(len(rows))
			if j < d.k {
				step += s.rate * s.l2 * w[j]
			}
			w[j] -= step
			mean[j] += (w[j] - mean[j]) / steps
		}
	}
	copy(w, mean)
}
