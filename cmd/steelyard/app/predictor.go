package app

import (
	"context"
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
	log    *zap.Logger
	cancel context.CancelFunc // nil before start
}

// newLearner makes one that knows what its file says.
func newLearner(file string, log *zap.Logger) *learner {
	l := &learner{Predictor: predict.New(predict.Options{Seed: uint64(time.Now().UnixNano())}), file: file, log: log}
	if file != "" {
		if err := l.Load(file); err != nil {
			log.Warn("what was learned of requests before is lost", zap.Error(err))
		}
	}
	return l
}

// run learns until ctx ends, and then saves what was learned.
func (l *learner) run(ctx context.Context) error {
	err := l.Run(ctx)
	if l.file == "" {
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
	shown := metrics.PredictorState{Upstream: upstream, Dropped: state.Dropped}
	for _, m := range state.Models {
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
