package app

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
	"github.com/steelyard-proxy/steelyard/balancer/estimate"
	"github.com/steelyard-proxy/steelyard/balancer/predict"
	"github.com/steelyard-proxy/steelyard/balancer/shared"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/health/probe"
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
		if u.learner == nil {
			all = append(all, nil)
		} else {
			all = append(all, u.learner.Predictor)
		}
	}
	return all
}

// Meter is that of an endpoint of the first upstream.
func Meter(a *App, endpoint int) *estimate.Meter {
	return &a.fleet.all()[0].members[endpoint].target.Meter
}

// Probers are those of the members of the first upstream, by name.
func Probers(a *App) map[string]*probe.Prober {
	probers := map[string]*probe.Prober{}
	for _, m := range a.fleet.all()[0].members {
		probers[m.name] = m.prober
	}
	return probers
}

// Reconcile gives a running upstream other endpoints, and says what became of them.
func Reconcile(a *App, upstream string, endpoints []configs.Endpoint) (string, error) {
	f := a.fleet
	f.mu.Lock()
	defer f.mu.Unlock()
	u := find(f.upstreams, upstream)
	var list []wanted
	for _, e := range endpoints {
		w, err := want(u.config, e)
		if err != nil {
			return "", err
		}
		list = append(list, w)
	}
	d, err := f.reconcile(u, list)
	return fmt.Sprintf("%d kept, %d changed, %d new, %d gone", d.kept, d.changed, d.added, d.gone), err
}

// Leave makes it look as if a learner had still to save to a file, until saved is called.
func Leave(a *App, file string) (saved func()) {
	a.fleet.mu.Lock()
	defer a.fleet.mu.Unlock()
	ended := make(chan struct{})
	a.fleet.leaving[file] = ended
	return func() { close(ended) }
}

// Measure looks at what was measured since.
func Measure(a *App, since time.Duration) { a.fleet.measureOnce(since) }

// CloseAdmin makes the admin listener fail.
func CloseAdmin(a *App) { _ = a.admin.Close() }

// DrainEndpoint sets or lifts the draining condition of an endpoint.
func DrainEndpoint(a *App, upstream, endpoint string, on bool) (bool, error) {
	return a.fleet.Drain(upstream, endpoint, on, "test")
}

// InFlight is what all loads together count.
func InFlight(a *App) int64 { return a.fleet.loads.InFlight() }

// HeldBytes is how much memory bodies and answers have that are held.
func HeldBytes(a *App) int64 { return a.handler.HeldBytes() }

// Change makes edits as an advice that is applied does.
func (a *App) Change(edits []configs.Edit) error { return a.advising.change(edits) }

// Think has recommendations made now.
func (a *App) Think() { a.advising.step(time.Now(), true) }

// FindBy adds a source of endpoints to an upstream, which the test speaks for. Requests are held so long for those that arrive.
func FindBy(a *App, upstream, name string, hold time.Duration) (sink discovery.Sink, forget func()) {
	a.fleet.mu.Lock()
	defer a.fleet.mu.Unlock()
	asks := &finding{config: configs.Discovery{Capacity: configs.Capacity{Value: 100}, MaxGoneRatio: 1, InitialTimeout: hold}}
	return a.fleet.addSource(find(a.fleet.upstreams, upstream), name, asks)
}

// Depart lets an endpoint depart, or stay.
func Depart(a *App, upstream, endpoint string, on bool) (bool, error) {
	return a.fleet.depart(upstream, endpoint, on, "the test wants it")
}

// HearGateways is what other gateways have, as if they had told it.
func HearGateways(a *App, load map[string]int64, under int64) {
	a.shared.hear(shared.Sum{Load: load, Under: under})
}

// BoundByGateways is how many gateways there are, and what the others have, as if that were heard; reached: they can be asked.
func BoundByGateways(a *App, gateways int, reached bool, under int64, waits map[string]int64) {
	a.shared.bound(shared.Sum{Under: under, Waits: waits}, gateways, reached)
}

// Waiting is how many requests wait in the first upstream's queue.
func Waiting(a *App) int { return a.fleet.all()[0].pool.Queue().Waiting }

// ToldToGateways is what other gateways are told to be in flight here.
func ToldToGateways(a *App) map[string]int64 { return a.shared.own().Load }

// Facts are what other gateways are told that changes slowly.
func Facts(a *App) []byte { return a.shared.facts() }

// HearFacts is what other gateways have told, by their identity.
func HearFacts(a *App, facts map[string][]byte) { a.shared.hearFacts(facts) }

// DrainHere is what the admin listener does.
func DrainHere(a *App, upstream, endpoint string, on bool, reason string) (bool, error) {
	return a.fleet.Drain(upstream, endpoint, on, reason)
}
