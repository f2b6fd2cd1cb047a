// Learning once from many rows, away from any traffic.

package predict

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// TrainOptions are those of a Trainer; zero values take the defaults.
type TrainOptions struct {
	Epochs    int     // passes over the rows that are learned from; 100
	Test      float64 // the part of the rows that rules are tested on, above 0 and below 1; 0.2
	MinRows   int     // good rows that a model needs to be learned apart from the others, 10 at least; 200
	MaxModels int     // how many models are learned apart; 64. They are those with the most rows
	Seed      uint64  // of how rows are split, and of the order in which they are learned
}

// Trainer learns from all the rows it was given, once, away from any traffic. It is for one
// goroutine.
type Trainer struct {
	options TrainOptions
	cleaned Counts
	all     []sample
	models  map[string][]sample
}

// NewTrainer returns a Trainer without rows.
func NewTrainer(o TrainOptions) *Trainer {
	o.Epochs, o.MinRows = cmp.Or(o.Epochs, 100), max(cmp.Or(o.MinRows, leastRows), 10)
	o.MaxModels, o.Test = cmp.Or(o.MaxModels, 64), cmp.Or(o.Test, 0.2)
	return &Trainer{options: o, models: make(map[string][]sample)}
}

// Add cleans a row and keeps it if it is good.
func (t *Trainer) Add(row *Row) {
	reason := row.Clean()
	t.cleaned[reason]++
	if reason != Kept {
		return
	}
	s := sampleOf(row)
	t.all = append(t.all, s)
	if nameable(row.Model) {
		if t.models[row.Model] == nil {
			row.Model = strings.Clone(row.Model)
		}
		t.models[row.Model] = append(t.models[row.Model], s)
	}
}

// Cleaned returns how many rows were added, by what became of them.
func (t *Trainer) Cleaned() Counts { return t.cleaned }

// Trained is how the learning of one model went.
type Trained struct {
	// ModelState's Score is on the test rows. Nothing was learned from those, or chosen by them,
	// except that a rule which is no better than the mean there is not used.
	ModelState
	Train, Held int // rows that it learned from, and that its settings and rule were chosen by
	Costs       []Cost
}

// Proven reports whether the rule in use has been shown to be better than the mean.
func (t *Trained) Proven() bool { return t.Rule != Mean }

// Cost is J = 1/2m Σ (h−y)² after an epoch, in work².
type Cost struct {
	Epoch       int // 0: before the first
	Train, Held float64
}

// Train learns. It returns a Predictor that knows what was learned, to be saved, and how each
// learning went: that of all models together first, then that of each with enough rows, the
// one with the most first.
func (t *Trainer) Train() (*Predictor, []Trained, error) {
	if len(t.all) < t.options.MinRows {
		return nil, nil, fmt.Errorf("train: there are %d good rows, and fewer than %d take noise for a rule", len(t.all), t.options.MinRows)
	}
	p := New(Options{MinRows: t.options.MinRows, MaxModels: t.options.MaxModels, Seed: t.options.Seed})
	p.overall.cleaned = t.cleaned
	trained := []Trained{t.train(p.overall, t.all, p.random)}
	for _, name := range t.names() {
		l := newLearner(name, &p.options)
		p.models[name] = l
		trained = append(trained, t.train(l, t.models[name], p.random))
	}
	p.publish()
	return p, trained, nil
}

// names returns the models that are learned apart.
func (t *Trainer) names() []string {
	var names []string
	for name, samples := range t.models {
		if len(samples) >= t.options.MinRows {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(t.models[b]), len(t.models[a])), cmp.Compare(a, b))
	})
	return names[:min(len(names), t.options.MaxModels)]
}

// train learns one model from its samples, which it shuffles.
func (t *Trainer) train(l *learner, samples []sample, random *rand.Rand) Trained {
	random.Shuffle(len(samples), func(i, j int) { samples[i], samples[j] = samples[j], samples[i] })
	test := min(max(int(t.options.Test*float64(len(samples))), 1), len(samples)-2)
	held := max((len(samples)-test)/5, 1)
	l.tune.samples, l.train.samples = samples[test:test+held], samples[test+held:]
	l.rows, l.tunedAt, l.ready = uint64(len(samples)), uint64(len(samples)), true
	l.simple()

	rows := rowsOf(l.train.samples)
	s := standardOf(rows)
	train, tune := s.dataset(rows), s.dataset(rowsOf(l.tune.samples))
	l.setting = search(train.first(20_000), tune.first(5_000), learning{random: random, pause: func() {}}).setting
	best, costs := train.descend(tune, l.setting, t.options.Epochs, random)
	s.into(&l.formula, &best, l.setting.Wide)
	choice := scoreOf(&l.formula, l.tune.samples)
	l.score = scoreOf(&l.formula, samples[:test])
	l.formula.rule = proven(&choice, &l.score)
	l.train.samples, l.tune.samples = nil, nil // they are the Trainer's
	return Trained{ModelState: l.state(), Train: len(rows.y), Held: held, Costs: costs}
}

// first returns a dataset of the first n rows: a search needs no more.
func (d *dataset) first(n int) *dataset {
	n = min(n, len(d.y))
	part := &dataset{d.standard, rows{d.x[:n], d.y[:n]}, make([]int, n)}
	for i := range part.order {
		part.order[i] = i
	}
	return part
}

// descend makes some epochs, from zero coefficients on. It returns the coefficients of the epoch
// with the least cost on held-out rows, and the costs of all.
func (d *dataset) descend(held *dataset, s setting, epochs int, random *rand.Rand) (best coefficients, costs []Cost) {
	square := d.workSpread * d.workSpread
	now, least := candidate{setting: s}, 0.0
	for epoch := range epochs + 1 {
		if epoch > 0 {
			now.try(d, random)
		}
		now.judge(held)
		costs = append(costs, Cost{epoch, square * d.cost(&now.coefficients, s.terms()), square * now.held})
		if epoch == 0 || now.held < least {
			best, least = now.coefficients, now.held
		}
	}
	return best, costs
}
