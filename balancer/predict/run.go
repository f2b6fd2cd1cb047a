// The loop that takes in finished requests and learns from them.

package predict

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	// LookEvery is the time between two calls of Look. Finished wakes nobody in between.
	LookEvery = 250 * time.Millisecond
	// learnEvery is how often models learn, if they have enough that is new.
	learnEvery = 4 * LookEvery
	// pauseTime is how long a search pauses after each pass of about 0.1 ms, so that requests do
	// not wait for it where there is only one core.
	pauseTime = 500 * time.Microsecond
)

// Run learns from what Finished hands over, until ctx ends; then it learns what is left and
// returns nil. It may be called once.
func (p *Predictor) Run(ctx context.Context) error {
	p.taken = time.Now()
	p.pause = func() {
		if ctx.Err() == nil {
			time.Sleep(pauseTime)
		}
	}
	looks := time.NewTicker(LookEvery)
	defer looks.Stop()
	for {
		select {
		case <-looks.C:
			p.Look(time.Now())
		case <-ctx.Done():
			p.takeAll(time.Now())
			p.learn(time.Now())
			return nil
		}
	}
}

// Look takes what Finished has handed over, and learns from it each time learnEvery has passed. Run calls it by the time of
// day; whoever has another time does so instead of Run, every LookEvery of that.
func (p *Predictor) Look(now time.Time) {
	p.takeAll(now)
	if p.looks++; p.looks%int(learnEvery/LookEvery) == 0 {
		p.learn(now)
	}
}

// takeAll takes the rows that wait now. Those that come meanwhile wait for the next time.
func (p *Predictor) takeAll(now time.Time) {
	p.thin(now)
	for range len(p.rows) {
		row := <-p.rows
		p.take(&row, now)
	}
}

// everyRow is the chance of a row to be taken where all are.
const everyRow = math.MaxUint32

// thin sets the chance of the next rows to be taken, by how many came since the last time.
func (p *Predictor) thin(now time.Time) {
	offered, since := p.offered.Swap(0), now.Sub(p.taken)
	p.taken = now
	chance := float64(p.options.MaxRate) * since.Seconds() / float64(max(offered, 1))
	p.chance.Store(uint32(everyRow * min(chance, 1)))
}

// take cleans a row and gives it to its model and to all together.
func (p *Predictor) take(row *Row, now time.Time) {
	reason := row.Clean()
	p.changed = true
	p.overall.cleaned[reason]++
	model := p.learnerOf(row.Model, reason == Kept, now)
	if model != nil {
		model.cleaned[reason]++
	}
	if reason != Kept {
		return
	}
	s := sampleOf(row)
	p.overall.take(s, p.random)
	if model != nil {
		model.seen = now
		model.take(s, p.random)
	}
}

// mostLearners is how many models learn at a time, some 1 ms each when they are full.
const mostLearners = 3

// learn lets the models learn that have the most new rows, and publishes. At most one of them
// searches for settings, so that learning comes in short bursts.
func (p *Predictor) learn(now time.Time) {
	if !p.changed && p.others.Load() == p.counted {
		return
	}
	due := p.due()
	searcher := p.searcher(due, now)
	for i, l := range due {
		first := l == p.overall && !l.formula.scaled() // others need the unit of work, which is not known yet
		if i < mostLearners || l == searcher || first {
			l.learn(learning{now, l == searcher, p.random, p.pause})
			p.pause()
		}
	}
	p.publish()
}

// due returns the models that should learn, those with the most new rows first.
func (p *Predictor) due() (all []*learner) {
	if p.overall.due() {
		all = append(all, p.overall)
	}
	for _, l := range p.models {
		if l.due() {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(a, b *learner) int {
		return cmp.Or(cmp.Compare(b.news(), a.news()), cmp.Compare(a.model, b.model))
	})
	return all
}

// learning is what a learner needs to learn.
type learning struct {
	now       time.Time
	maySearch bool
	random    *rand.Rand
	pause     func() // between passes
}

// searcher returns the model that most needs a search for settings, or nil if it is too early
// for one. That is a model that never had a search, or the one whose rows have multiplied most
// since. If one model has all the traffic it needs a search as much as all models together do:
// then all together are first, since they predict every other name, too.
func (p *Predictor) searcher(due []*learner, now time.Time) *learner {
	if now.Sub(p.searched) < searchGap {
		return nil
	}
	var best *learner
	most := 0.0
	for _, l := range due {
		if !l.searchDue(now) {
			continue
		}
		need := float64(l.rows) / float64(max(l.tunedAt, 1))
		if need > most || need == most && l == p.overall {
			best, most = l, need
		}
	}
	if best != nil {
		p.searched = now
	}
	return best
}

func newRandom(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x57656967687473)) }
