package predict

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// takeEvery is how often rows are taken. Finished finds nobody to wake in between.
	takeEvery = 250 * time.Millisecond
	// learnEvery is how often models learn, if they have enough that is new.
	learnEvery = time.Second
)

// Run learns from what Finished hands over, until ctx ends; then it learns what is left and
// returns nil. It may be called once.
func (p *Predictor) Run(ctx context.Context) error {
	takes, learns := time.NewTicker(takeEvery), time.NewTicker(learnEvery)
	defer takes.Stop()
	defer learns.Stop()
	for {
		select {
		case <-takes.C:
			p.takeAll()
		case <-learns.C:
			p.learn()
		case <-ctx.Done():
			p.takeAll()
			p.learn()
			return nil
		}
	}
}

// takeAll takes the rows that wait now. Those that come meanwhile wait for the next time.
func (p *Predictor) takeAll() {
	for range len(p.rows) {
		row := <-p.rows
		p.take(&row)
	}
}

// take cleans a row and gives it to its model and to all together.
func (p *Predictor) take(row *Row) {
	reason := row.Clean()
	p.changed = true
	p.overall.cleaned[reason]++
	model := p.learnerOf(row.Model, reason == Kept)
	if model != nil {
		model.cleaned[reason]++
	}
	if reason != Kept {
		return
	}
	s := sampleOf(row)
	p.overall.take(s, p.random)
	if model != nil {
		model.seen = p.overall.rows
		model.take(s, p.random)
	}
}

// learnerOf is the learner of a model. A good row of a new model makes one, and the model that
// finished a request least recently leaves for it when there are too many.
func (p *Predictor) learnerOf(model string, add bool) *learner {
	l := p.models[model]
	if l != nil || !add || !nameable(model) {
		return l
	}
	if len(p.models) >= p.options.MaxModels {
		var oldest *learner
		for _, candidate := range p.models {
			if oldest == nil || candidate.seen < oldest.seen {
				oldest = candidate
			}
		}
		delete(p.models, oldest.model)
		p.evicted++
	}
	l = newLearner(strings.Clone(model), &p.options) // the name may be part of something larger
	p.models[l.model] = l
	return l
}

// nameable says whether a model can be told apart: by a name that is not too long, and text.
func nameable(model string) bool {
	return model != "" && len(model) <= mostName && utf8.ValidString(model)
}

// learn lets every model learn that has enough that is new, and publishes. At most one
// searches for its settings each time, so that learning comes in short bursts.
func (p *Predictor) learn() {
	if !p.changed {
		return
	}
	searcher := p.searcher()
	for _, l := range p.models {
		if l.due() {
			l.learn(p.random, l == searcher)
		}
	}
	if p.overall.due() {
		p.overall.learn(p.random, p.overall == searcher)
	}
	p.publish()
}

// searcher is the one that needs a search for its settings most: one that never had any, or
// has had the most rows since, in proportion to those it knew then.
func (p *Predictor) searcher() *learner {
	var best *learner
	most := 0.0
	look := func(l *learner) {
		if need := float64(l.rows) / float64(max(l.tunedAt, 1)); l.due() && l.searchDue() && need > most {
			best, most = l, need
		}
	}
	look(p.overall)
	for _, l := range p.models {
		look(l)
	}
	return best
}

func newRandom(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x57656967687473)) }
