package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer/estimate"
	"github.com/steelyard-proxy/steelyard/balancer/predict"
)

const SaveEvery = saveEvery

// RunLearner runs a learner of a file alone.
func RunLearner(ctx context.Context, file string, log *zap.Logger) (p *predict.Predictor, ended chan error) {
	l := newLearner(file, log)
	l.load()
	ended = make(chan error, 1)
	go func() { ended <- l.run(ctx) }()
	return l.Predictor, ended
}

// Predictors are those of the upstreams in configured order; nil where there is none.
func Predictors(a *App) (all []*predict.Predictor) {
	for _, u := range a.fleet.all() {
		all = append(all, u.rules.Predictor)
	}
	return all
}

// Meter is that of an endpoint of the first upstream.
func Meter(a *App, endpoint int) *estimate.Meter {
	return &a.fleet.all()[0].targets[endpoint].rules.Meter
}

// Measure looks at what was measured since.
func Measure(a *App, since time.Duration) { a.fleet.measureOnce(since) }

// CloseAdmin makes the admin listener fail.
func CloseAdmin(a *App) { _ = a.admin.Close() }
