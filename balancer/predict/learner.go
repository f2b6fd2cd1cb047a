// Learning one model from its recent requests.

package predict

import (
	"math"
	"math/rand/v2"
	"time"
)

const (
	// searchEvery is the least time between two searches for the settings of one learner, and
	// searchGap between those of any two.
	searchEvery = time.Minute
	searchGap   = 10 * time.Second
	// searchRows is how many rows a search learns from. More make it slower, but no better.
	searchRows = 2048
)

// ring keeps the most recent samples.
type ring struct {
	samples []sample
	next    int // where the oldest is, once it is full
	most    int // how many it keeps
}

func (r *ring) add(s sample) {
	if len(r.samples) < r.most {
		r.samples = append(r.samples, s)
		return
	}
	r.samples[r.next] = s
	r.next = (r.next + 1) % r.most
}

// entry is what is known of one model, as it is published and saved.
type entry struct {
	model   string // "" for all together
	ready   bool   // whether the formula is good enough to be used for the model
	formula formula
	setting setting // chosen by the last search; rate 0 before the first
	score   Score
	rows    uint64 // good rows ever
	tunedAt uint64 // rows at the last search
	cleaned Counts // all rows since the start
}

// learner learns one model's formula. It belongs to the goroutine of Run.
type learner struct {
	entry
	minRows           int
	train, tune, test ring      // three fifths to learn from, one to choose settings by, one to test each rule on
	fresh             int       // rows since the last time it learned
	failures          int       // passes in a row that made it worse
	seen              time.Time // when the last good row came
	searched          time.Time // when it last searched for settings
}

func newLearner(model string, o *Options) *learner {
	fifth := max(o.MaxRows/5, 1)
	return &learner{
		entry:   entry{model: model, formula: unlearned},
		minRows: o.MinRows,
		train:   ring{most: 3 * fifth}, tune: ring{most: fifth}, test: ring{most: fifth},
	}
}

// take keeps a good row. Which part it goes to is drawn at random, since clients may come in a
// fixed order. The first one is learned from: it shows what unit work has.
func (l *learner) take(s sample, random *rand.Rand) {
	l.rows++
	l.fresh++
	if len(l.train.samples) == 0 {
		l.train.add(s)
		return
	}
	switch random.IntN(5) {
	case 0:
		l.tune.add(s)
	case 1:
		l.test.add(s)
	default:
		l.train.add(s)
	}
}

// due reports whether enough is new to learn again: a 16th of what is learned from, so that
// each row is used a bounded number of times. A learner that waits for its first search is due.
func (l *learner) due() bool {
	if len(l.train.samples) == 0 {
		return false
	}
	return l.fresh > 0 && 16*l.fresh >= len(l.train.samples) || l.setting.Rate == 0 && l.enough()
}

// news is the part that is new of what is learned from.
func (l *learner) news() float64 { return float64(l.fresh) / float64(len(l.train.samples)) }

// enough reports whether there are enough rows for more than the hints.
func (l *learner) enough() bool {
	return len(l.train.samples)+len(l.tune.samples)+len(l.test.samples) >= l.minRows
}

// searchDue reports whether settings are to be chosen anew: each time the rows have doubled, at
// the latest after mostBetween, and after several passes in a row that made it worse. A search
// takes some 20 ms of a core, so that there must be some time between two.
func (l *learner) searchDue(now time.Time) bool {
	const mostBetween, mostFailures = 65536, 8
	if !l.enough() || l.setting.Rate > 0 && now.Sub(l.searched) < searchEvery {
		return false
	}
	return l.setting.Rate == 0 || l.rows-l.tunedAt >= min(max(l.tunedAt, uint64(l.minRows)), mostBetween) || l.failures >= mostFailures
}

// learn improves the formula. It searches for settings only if it may: a search takes about a
// hundred times as long as a pass.
func (l *learner) learn(g learning) {
	l.fresh = 0
	if !l.enough() {
		if !l.ready { // else something was loaded, which is better than what few rows say
			l.simple()
		}
		return
	}
	rows := rowsOf(l.train.samples)
	s := standardOf(rows)
	train, tune := s.dataset(rows), s.dataset(rowsOf(l.tune.samples))
	now := candidate{setting: l.setting, coefficients: s.from(&l.formula)}
	now.judge(tune)
	if now.Rate > 0 {
		now = l.step(now, train, tune, g.random)
	}
	if g.maySearch && l.searchDue(g.now) {
		l.tunedAt, l.searched, l.failures = l.rows, g.now, 0
		if found := search(train.first(searchRows), tune, g); now.Rate == 0 || found.held < now.held {
			now = found
		}
	}
	l.simple()
	if now.Rate == 0 { // its search is still to come
		return
	}
	l.setting = now.setting
	s.into(&l.formula, &now.coefficients, now.Wide)
	l.score = scoreOf(&l.formula, l.test.samples)
	// On other rows than those the settings were chosen by: a setting that only fits noise looks good on those.
	l.formula.rule, l.ready = l.score.best(), true
}

// step makes one pass, and keeps its result unless that is much worse on rows it has not seen.
func (l *learner) step(now candidate, train, tune *dataset, random *rand.Rand) candidate {
	const worse = 1.1
	next := now
	next.try(train, random)
	next.judge(tune)
	if next.held > worse*now.held || math.IsInf(next.held, 1) {
		l.failures++
		return now
	}
	l.failures = 0
	return next
}

// simple learns what needs no descent.
func (l *learner) simple() {
	l.formula.simple(l.train.samples)
	l.formula.least, l.formula.most = span(l.train.samples, l.tune.samples, l.test.samples)
}

// simple learns the mean of work, and the scale of the hints by which they sum to the work that
// was done. So work keeps its unit when a model changes its rule, and models with different
// rules can be compared.
func (f *formula) simple(samples []sample) {
	mean, hints := 0.0, 0.0
	for i := range samples {
		part := 1 / float64(i+1)
		mean += (samples[i].work - mean) * part
		hints += (max(samples[i].features().hints(), leastHint) - hints) * part
	}
	f.mean, f.scale = mean, mean/hints
}

// span returns the least and the most work in some lists, of which at least one is not empty.
func span(lists ...[]sample) (least, most float64) {
	least = math.Inf(1)
	for _, samples := range lists {
		for i := range samples {
			least, most = min(least, samples[i].work), max(most, samples[i].work)
		}
	}
	return least, most
}
