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
	// searchRows is from how many rows a search learns: more make it no better, but longer.
	searchRows = 2048
)

// ring keeps the most recent samples.
type ring struct {
	samples []sample
	next    int // the oldest, once it is full
	most    int
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
	train, tune, test ring      // three parts in five, one and one: to learn, to choose settings, to report each rule's error
	fresh             int       // rows since the last time it learned
	failures          int       // passes in a row that made it worse
	seen              time.Time // when the last good row came
	searched          time.Time // when its settings were searched for last
}

func newLearner(model string, o *Options) *learner {
	fifth := max(o.MaxRows/5, 1)
	return &learner{
		entry:   entry{model: model, formula: unlearned},
		minRows: o.MinRows,
		train:   ring{most: 3 * fifth}, tune: ring{most: fifth}, test: ring{most: fifth},
	}
}

// take keeps a good row. Which part it falls to is drawn, since clients can take turns. But
// the first is learned from, as it tells what unit work has.
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

// due says whether enough is new to learn again: a 16th of what is learned from, so that
// every row is gone over a bounded number of times. Who waits for a first search is due.
func (l *learner) due() bool {
	if len(l.train.samples) == 0 {
		return false
	}
	return l.fresh > 0 && 16*l.fresh >= len(l.train.samples) || l.setting.Rate == 0 && l.enough()
}

// news is how much is new, as a part of what is learned from.
func (l *learner) news() float64 { return float64(l.fresh) / float64(len(l.train.samples)) }

// enough says whether there are rows enough to go by more than the hints.
func (l *learner) enough() bool {
	return len(l.train.samples)+len(l.tune.samples)+len(l.test.samples) >= l.minRows
}

// searchDue says whether the settings are to be chosen anew: at first each time the rows
// have doubled, and when learning by them has failed several times in a row. A search takes
// some 20 ms of a core, so there is a time between two of them.
func (l *learner) searchDue(now time.Time) bool {
	const mostBetween, mostFailures = 65536, 8
	if !l.enough() || l.setting.Rate > 0 && now.Sub(l.searched) < searchEvery {
		return false
	}
	return l.setting.Rate == 0 || l.rows-l.tunedAt >= min(max(l.tunedAt, uint64(l.minRows)), mostBetween) || l.failures >= mostFailures
}

// learn improves the formula. It searches for settings only where it may, since a search
// takes some hundred times as long as a pass.
func (l *learner) learn(g learning) {
	l.fresh = 0
	if !l.enough() {
		if !l.ready { // what was loaded is better than what few rows say
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
	// Not by the rows that the settings were chosen by: few of them take noise for a regression.
	l.formula.rule, l.ready = l.score.best(), true
}

// step makes one pass, unless that makes it much worse on held-out rows.
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

// simple learns what takes no descent.
func (l *learner) simple() {
	l.formula.simple(l.train.samples)
	l.formula.least, l.formula.most = span(l.train.samples, l.tune.samples, l.test.samples)
}

// simple learns the mean of work, and the scale of the hints: the one by which they come to
// as much work as was done. So work keeps its unit when a model goes from one rule to another,
// and models that go by different ones compare.
func (f *formula) simple(samples []sample) {
	mean, hints := 0.0, 0.0
	for i := range samples {
		part := 1 / float64(i+1)
		mean += (samples[i].work - mean) * part
		hints += (max(samples[i].features().hints(), leastHint) - hints) * part
	}
	f.mean, f.scale = mean, mean/hints
}

// span is the range of work in some lists, of which one at least is not empty.
func span(lists ...[]sample) (least, most float64) {
	least = math.Inf(1)
	for _, samples := range lists {
		for i := range samples {
			least, most = min(least, samples[i].work), max(most, samples[i].work)
		}
	}
	return least, most
}
