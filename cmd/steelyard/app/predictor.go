// Learners: predicting the work of requests, and keeping what was learned.

package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer/predict"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics"
)

// saveEvery is how often what was learned is saved, so that a crash loses little.
const saveEvery = 5 * time.Minute

// learner predicts the work of one upstream's requests. Upstreams do not share one, because
// each has its own unit of capacity, and thus of work. It is kept over reloads, found again by
// its file whatever the upstream is called, or without a file by the upstream's name. An
// upstream whose predictions nobody asks for has none.
type learner struct {
	*predict.Predictor
	file     string // keeps what was learned over a restart; "": none
	log      *zap.Logger
	cancel   context.CancelFunc // nil before start
	ended    chan struct{}      // closed when it has ended, and saved what it learned
	replaced atomic.Bool        // another learner has its file now, so it does not save; written by retireLearners and OwnFiles
	saving   sync.Mutex         // one save at a time
	told     string             // the last failure to save; guarded by saving
	unread   error              // why Read did not take up the file; until it is settled
	heard    [][]byte           // what other gateways told last; of those who teach it alone
}

func newLearner(file string, log *zap.Logger) *learner {
	return &learner{
		Predictor: predict.New(predict.Options{Seed: uint64(time.Now().UnixNano())}),
		file:      file, log: log, ended: make(chan struct{}),
	}
}

// longestSave is how long a reload waits for an earlier learner to save to the file that the
// next one will read.
const longestSave = 10 * time.Second

// prepareLearner returns the learner that c goes on with, or a new one that has read c's file.
// It writes nothing; settle does.
func (f *fleet) prepareLearner(c configs.Upstream) (*learner, error) {
	known, ended := f.learnerOf(c)
	if known != nil && !known.Changed() {
		return known, nil
	}
	if ended != nil { // an earlier one still has to save there
		select {
		case <-ended:
		case <-time.After(longestSave):
			return nil, fmt.Errorf("predict.file %s: what was learned before is still being saved to it; reload again", c.Predict.File)
		}
	}
	l := newLearner(c.Predict.File, f.log)
	if l.file == "" {
		return l, nil
	}
	l.unread = l.Read(l.file)
	if foreign, ok := errors.AsType[*predict.ForeignError](l.unread); ok {
		return nil, fmt.Errorf("predict.file %s: %w", l.file, foreign)
	}
	if l.unread != nil && known != nil {
		f.log.Error("what was learned of requests cannot be read again, though its file has changed; the old knowledge stays", zap.Error(l.unread))
		return known, nil
	}
	return l, nil
}

// learnerOf returns the running learner of c's file, or of c's name if it has no file, or nil.
// ended is closed when an earlier learner with that file has saved to it; nil if there is none.
func (f *fleet) learnerOf(c configs.Upstream) (known *learner, ended chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, u := range f.upstreams {
		if l := u.learner; l != nil && l.file == c.Predict.File && (l.file != "" || u.name == c.Name) {
			return l, nil
		}
	}
	return nil, f.leaving[c.Predict.File]
}

// settle is the part of taking up a file that changes the disk: it moves a damaged file out of
// the way.
func (l *learner) settle() {
	if l.unread != nil {
		l.unread = nil
		l.load()
	}
}

// load reads the file. It moves a damaged one out of the way. It leaves one that merely cannot
// be read alone: behind a wrong owner or a missing disk may lie weeks of learning.
func (l *learner) load() {
	err := l.Load(l.file)
	if err == nil {
		return
	}
	if damaged, ok := errors.AsType[*predict.DamagedError](err); ok && damaged.Aside != "" {
		l.log.Warn("what was learned of requests before is lost", zap.Error(err))
		return
	}
	l.log.Error("what was learned of requests before cannot be read, and what will be is not saved; make the file readable and reload",
		zap.String("file", l.file), zap.Error(err))
}

// run learns until ctx ends, and saves what was learned every saveEvery and at the end.
func (l *learner) run(ctx context.Context) error {
	defer close(l.ended)
	if l.file == "" {
		return l.Run(ctx)
	}
	learned := make(chan error, 1)
	go func() { learned <- l.Run(ctx) }()
	save := time.NewTicker(saveEvery)
	defer save.Stop()
	for {
		select {
		case <-save.C:
			l.save()
		case err := <-learned:
			l.save()
			return err
		}
	}
}

// save saves what was learned, if there is anything new. It logs each obstacle once.
func (l *learner) save() {
	l.saving.Lock()
	defer l.saving.Unlock()
	if l.file == "" || l.replaced.Load() {
		return
	}
	err := l.Keep()
	switch {
	case err == nil:
		l.told = ""
	case err.Error() == l.told:
	case errors.Is(err, predict.ErrChanged):
		l.told = err.Error()
		l.log.Warn("what was learned of requests is not saved over a file that somebody else has written to; "+
			"reload or restart to take that up, or remove it to save what was learned here", zap.String("file", l.file))
	default:
		l.told = err.Error()
		l.log.Error("what was learned of requests could not be saved", zap.Error(err))
	}
}

// learners returns those of all upstreams. The caller holds mu.
func (f *fleet) learners() (all []*learner) {
	for _, u := range f.upstreams {
		if u.learner != nil {
			all = append(all, u.learner)
		}
	}
	return all
}

// retireLearners ends those of old that are no longer used, and begins none. It returns the
// files that other learners have taken over. The caller holds mu.
func (f *fleet) retireLearners(old []*learner) (reread []string) {
	used, files := map[*learner]bool{}, map[string]bool{}
	for _, l := range f.learners() {
		used[l], files[l.file] = true, true
		delete(f.leaving, l.file)
	}
	for _, l := range old {
		if used[l] {
			continue
		}
		if l.file != "" && files[l.file] {
			l.replaced.Store(true)
			reread = append(reread, l.file)
		}
		if l.cancel == nil {
			continue
		}
		if l.cancel(); l.file != "" {
			f.leaving[l.file] = l.ended
		}
	}
	return reread
}

// predictions are the states of all predictors, as a scrape shows them.
func (f *fleet) predictions() []metrics.PredictorState {
	var all []metrics.PredictorState
	for _, u := range f.all() {
		if u.learner != nil {
			all = append(all, u.learner.shown(u.name))
		}
	}
	return all
}

func (l *learner) shown(upstream string) metrics.PredictorState {
	state := l.State()
	shown := metrics.PredictorState{Upstream: upstream, Dropped: state.Dropped, Evicted: state.Evicted}
	for _, m := range state.Models {
		switch {
		case m.Model == "":
			shown.Ready = m.Ready
		case m.Ready:
			shown.Known++
		default: // a name that may be made up
			shown.Learning++
			continue
		}
		model := metrics.PredictedModel{Model: m.Model, Rule: m.Rule.String(), Rows: map[string]uint64{}}
		for reason, n := range m.Cleaned {
			model.Rows[predict.Reason(reason).String()] = n
		}
		for rule, score := range m.Score.Rules {
			model.Scores = append(model.Scores, metrics.PredictionScore{
				Rule: predict.Rule(rule).String(), R2Ratio: score.R2, MeanAbsoluteError: score.MAE,
			})
		}
		shown.Models = append(shown.Models, model)
	}
	return shown
}
