package app

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer/predict"
	"github.com/steelyard-proxy/steelyard/metrics"
)

// learner predicts the work of one upstream's requests. Upstreams do not share one,
// because each has a unit of capacity, and with it of work, of its own. It is kept
// over reloads that leave it its file.
type learner struct {
	*predict.Predictor
	file   string // that keeps over a restart what was learned; "": none
	unread bool   // the file could not be read, and is left alone
	log    *zap.Logger
	cancel context.CancelFunc // nil before start
}

// newLearner makes one that knows what its file says. A file that is damaged makes room
// for a new one; one that merely cannot be read is left alone, since it may hold weeks of
// learning behind a wrong owner or a missing disk.
func newLearner(file string, log *zap.Logger) *learner {
	l := &learner{Predictor: predict.New(predict.Options{Seed: uint64(time.Now().UnixNano())}), file: file, log: log}
	if file == "" {
		return l
	}
	err := l.Load(file)
	if err == nil {
		return l
	}
	if damaged, ok := errors.AsType[*predict.DamagedError](err); ok && damaged.Aside != "" {
		log.Warn("what was learned of requests before is lost", zap.Error(err))
		return l
	}
	log.Error("what was learned of requests before cannot be read, and what will be is not saved; make the file readable and restart",
		zap.String("file", file), zap.Error(err))
	l.unread = true
	return l
}

// run learns until ctx ends, and then saves what was learned.
func (l *learner) run(ctx context.Context) error {
	err := l.Run(ctx)
	if l.file == "" || l.unread {
		return err
	}
	if err := l.Save(l.file); err != nil {
		l.log.Error("what was learned of requests could not be saved", zap.Error(err))
	}
	return err
}

// predictions are the states of all predictors, as a scrape shows them.
func (f *fleet) predictions() []metrics.PredictorState {
	var all []metrics.PredictorState
	for _, u := range f.all() {
		if u.rules.Sized {
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
