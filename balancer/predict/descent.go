// Fitting a regression to samples by gradient descent.

package predict

import (
	"math"
	"math/rand/v2"
)

// sample is a row that is learned from.
type sample struct {
	prompt uint32 // bytes
	tokens int32  // max_tokens; 0 when not said
	stream bool
	work   float64
}

func sampleOf(r *Row) sample {
	return sample{uint32(min(r.PromptBytes, math.MaxUint32)), int32(min(r.MaxTokens, math.MaxInt32)), r.Stream, r.Work}
}

func (s *sample) features() Features {
	return Features{PromptBytes: int(s.prompt), MaxTokens: int(s.tokens), Stream: s.stream}
}

// standard is what it takes to bring terms and work to mean 0 and spread 1, so that one learning
// rate suits all of them.
type standard struct {
	mean, spread         vector
	workMean, workSpread float64
}

// mostSpreads is how many spreads a standardised term may be from the mean. Without a bound, one
// row far out would spoil each step of the batch that it is in.
const mostSpreads = 16

// standardOf returns the mean and the spread of each term over some rows. The spread is the
// standard deviation, or more where that is needed to keep all rows within mostSpreads; and 1
// where all rows are the same.
func standardOf(r rows) standard {
	var s standard
	if len(r.y) == 0 {
		return standard{spread: vector{1, 1, 1, 1, 1, 1, 1, 1}, workSpread: 1}
	}
	var square vector
	least, most, workSquare := r.x[0], r.x[0], 0.0
	for i := range r.x { // by Welford's method, which loses no digits
		part, x := 1/float64(i+1), &r.x[i]
		for j, value := range x {
			delta := value - s.mean[j]
			s.mean[j] += delta * part
			square[j] += delta * (value - s.mean[j])
			least[j], most[j] = min(least[j], value), max(most[j], value)
		}
		delta := r.y[i] - s.workMean
		s.workMean += delta * part
		workSquare += delta * (r.y[i] - s.workMean)
	}
	n := float64(len(r.y))
	s.workSpread = orOne(math.Sqrt(workSquare / n))
	for j := range s.spread {
		s.spread[j] = orOne(max(math.Sqrt(square[j]/n), (most[j]-least[j])/mostSpreads))
	}
	return s
}

func orOne(spread float64) float64 {
	if spread > 0 {
		return spread
	}
	return 1
}

// coefficients are θ of h(x) = intercept + Σ weight·x, over standardised terms.
type coefficients struct {
	weights   vector
	intercept float64
}

func (c *coefficients) finite() bool {
	sum := c.intercept
	for _, w := range c.weights {
		sum += w
	}
	return !math.IsNaN(sum) && !math.IsInf(sum, 0)
}

func (c *coefficients) predict(x *vector, terms int) float64 {
	sum := c.intercept
	for j := range terms {
		sum += c.weights[j] * x[j]
	}
	return sum
}

// setting is what a search chooses: the learning rate α, the terms, and λ, which keeps weights
// from growing too large.
type setting struct {
	Rate float64 `json:"rate"`
	L2   float64 `json:"l2"`
	Wide bool    `json:"wide"`
}

func (s setting) terms() int {
	if s.Wide {
		return wideTerms
	}
	return plainTerms
}

// rows are samples as terms and work.
type rows struct {
	x []vector
	y []float64
}

func rowsOf(samples []sample) rows {
	r := rows{make([]vector, len(samples)), make([]float64, len(samples))}
	for i := range samples {
		samples[i].features().expand(&r.x[i], true)
		r.y[i] = samples[i].work
	}
	return r
}

// dataset has rows by one standard.
type dataset struct {
	standard
	rows
	order []int // of the rows in a pass; each pass shuffles it
}

// dataset standardises rows, in place.
func (s standard) dataset(r rows) *dataset {
	d := &dataset{s, r, make([]int, len(r.y))}
	for i := range r.x {
		x := &r.x[i]
		for j := range x {
			x[j] = (x[j] - s.mean[j]) / s.spread[j]
		}
		r.y[i] = (r.y[i] - s.workMean) / s.workSpread
		d.order[i] = i
	}
	return d
}

// cost is J(θ) = 1/2m Σ (h(x) − y)², in units of the spread of work.
func (d *dataset) cost(c *coefficients, terms int) float64 {
	if len(d.y) == 0 {
		return 0
	}
	sum := 0.0
	for i := range d.x {
		miss := c.predict(&d.x[i], terms) - d.y[i]
		sum += miss * miss
	}
	return sum / float64(2*len(d.y))
}

const batch = 32

// pass goes once over all samples in random order. After each batch it makes a step
// θ_j ← θ_j − α (∂J/∂θ_j + λ θ_j). It returns the mean of all steps, which is steadier than the
// last one.
func (d *dataset) pass(c *coefficients, s setting, random *rand.Rand) {
	terms, order := s.terms(), d.order
	random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	var mean coefficients
	steps := 0
	for len(order) > 0 {
		rows := order[:min(batch, len(order))]
		order = order[len(rows):]
		var gradient coefficients
		for _, i := range rows {
			x := &d.x[i]
			miss := c.predict(x, terms) - d.y[i]
			gradient.intercept += miss
			for j := range terms {
				gradient.weights[j] += miss * x[j]
			}
		}
		rate := s.Rate / float64(len(rows))
		c.intercept -= rate * gradient.intercept
		steps++
		mean.intercept += (c.intercept - mean.intercept) / float64(steps)
		for j := range terms {
			c.weights[j] -= rate*gradient.weights[j] + s.Rate*s.L2*c.weights[j]
			mean.weights[j] += (c.weights[j] - mean.weights[j]) / float64(steps)
		}
	}
	*c = mean
}

// into writes the coefficients into a formula, whose terms are not standardised.
func (s *standard) into(f *formula, c *coefficients, wide bool) {
	f.wide, f.weights, f.intercept = wide, vector{}, s.workMean+c.intercept*s.workSpread
	for j := range (setting{Wide: wide}).terms() {
		f.weights[j] = c.weights[j] * s.workSpread / s.spread[j]
		f.intercept -= f.weights[j] * s.mean[j]
	}
}

// from is the way back: it returns the coefficients of a formula by this standard.
func (s *standard) from(f *formula) coefficients {
	c := coefficients{intercept: f.intercept - s.workMean}
	for j, weight := range f.weights {
		c.intercept += weight * s.mean[j]
		c.weights[j] = weight * s.spread[j] / s.workSpread
	}
	c.intercept /= s.workSpread
	return c
}
