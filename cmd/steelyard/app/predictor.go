package app

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer/predict"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics"
)

// saveEvery is how often what was learned is saved, for a process that has no orderly end.
const saveEvery = 5 * time.Minute

// learner predicts the work of one upstream's requests. Upstreams do not share one,
// because each has a unit of capacity, and with it of work, of its own. It is kept over
// reloads: its file says which it is, whatever the upstream is called, and without one
// the upstream does. There is none where nobody asks for predictions.
type learner struct {
	*predict.Predictor
	file     string // that keeps over a restart what was learned; "": none
	log      *zap.Logger
	cancel   context.CancelFunc // nil before start
	ended    chan struct{}      // closed when it has ended, and saved what it learned
	replaced atomic.Bool        // another one has taken up its file, which it leaves alone; written by retire
	told     string             // the last failure to save; belongs to run
}

func newLearner(file string, log *zap.Logger) *learner {
	return &learner{
		Predictor: predict.New(predict.Options{Seed: uint64(time.Now().UnixNano())}),
		file:      file, log: log, ended: make(chan struct{}),
	}
}

// prepareLearner finds the learner that c goes on with, or makes one; nil where nobody asks
// for predictions. The caller holds mu.
func (f *fleet) prepareLearner(c configs.Upstream, sized bool) *learner {
	if !sized {
		return nil
	}
	file := c.Predict.File
	for _, u := range f.upstreams {
		switch l := u.learner; {
		case l == nil || l.file != file || file == "" && u.config.Name != c.Name:
		case l.Changed():
			return l.reread()
		default:
			return l
		}
	}
	l := newLearner(file, f.log)
	if file != "" {
		if ended := f.leaving[file]; ended != nil { // an earlier one has still to save there
			<-ended
			delete(f.leaving, file)
		}
		l.load()
	}
	return l
}

// load takes up what the file says. One that is damaged makes room for a new one; one that
// merely cannot be read is left alone, since it may hold weeks of learning behind a wrong
// owner or a missing disk.
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

// reread returns a learner that knows what the file says now, or l if that is nothing.
func (l *learner) reread() *learner {
	next := newLearner(l.file, l.log)
	if err := next.Read(l.file); err != nil {
		l.log.Error("what was learned of requests is not taken up from its file, which has changed; the old knowledge stays", zap.Error(err))
		return l
	}
	return next
}

// run learns until ctx ends, and saves what was learned now and then, and at the end.
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

// save saves what was learned, if there is anything new. What stands in its way is told once.
func (l *learner) save() {
	if l.replaced.Load() {
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

// retireLearners ends those of old that are not used any longer, and begins nothing. The
// caller holds mu.
func (f *fleet) retireLearners(old []*upstream) {
	used, files := map[*learner]bool{}, map[string]bool{}
	for _, u := range f.upstreams {
		if u.learner != nil {
			used[u.learner], files[u.learner.file] = true, true
		}
	}
	for _, u := range old {
		l := u.learner
		if l == nil || used[l] {
			continue
		}
		if l.file != "" && files[l.file] {
			l.replaced.Store(true)
			f.log.Info("what was learned of requests is taken up from its file, which has changed", zap.String("file", l.file))
		}
		if l.cancel == nil {
			continue
		}
		if l.cancel(); l.file != "" {
			f.leaving[l.file] = l.ended
		}
	}
}

// learnersChanged says whether the file of any learner has been written to by somebody else.
func (f *fleet) learnersChanged() bool {
	return slices.ContainsFunc(f.all(), func(u *upstream) bool { return u.learner != nil && u.learner.Changed() })
}

// predictions are the states of all predictors, as a scrape shows them.
func (f *fleet) predictions() []metrics.PredictorState {
	var all []metrics.PredictorState
	for _, u := range f.all() {
		if u.learner != nil {
			all = append(all, u.learner.shown(u.config.Name))
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
