package app

import (
	"net/url"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/health/probe"
	"github.com/steelyard-proxy/steelyard/metrics"
)

// health is the probing of one upstream: it turns verdicts into the condition
// ProbeFailed, of which it is the only writer.
type health struct {
	upstream *upstream
	log      *zap.Logger
	prober   *probe.Prober
}

// newHealth makes the prober of u, which goes on from what old knew.
func newHealth(f *fleet, u, old *upstream) *health {
	h := &health{upstream: u, log: f.log}
	known := map[string]probe.State{}
	if old != nil {
		for i, r := range old.health.prober.Reports() {
			if old.targets[i].endpoint == u.endpoint(r.Endpoint) {
				known[r.Endpoint] = r.State
			}
		}
	}
	c := u.config.Health
	o := probe.Options{
		Upstream: u.config.Name, Path: c.Path, Interval: c.Interval, Timeout: c.Timeout,
		UnhealthyThreshold: c.UnhealthyThreshold, HealthyThreshold: c.HealthyThreshold,
		Healthy: within(c.Statuses), Busy: within(c.BusyStatuses),
		Sink: h, Observe: h.observe, Log: f.log,
	}
	for _, t := range u.targets {
		address, err := url.Parse(t.config.URL)
		if err != nil {
			panic("BUG: a checked URL does not parse: " + err.Error())
		}
		o.Targets = append(o.Targets, probe.Target{
			Name: t.config.Name, Network: "tcp", Address: address.Host, Host: t.rules.Host, TLS: t.tls,
			Initial: known[t.config.Name],
		})
	}
	h.prober = probe.New(o)
	return h
}

func within(ranges []configs.StatusRange) func(int) bool {
	return func(status int) bool {
		for _, r := range ranges {
			if r.Contains(status) {
				return true
			}
		}
		return false
	}
}

// SetProbe implements probe.Sink.
func (h *health) SetProbe(endpoint string, state probe.State, reason string) {
	if _, err := h.upstream.pool.SetCondition(endpoint, balancer.ProbeFailed, state == probe.Down, reason); err != nil {
		h.log.Debug("verdict on an endpoint that has left", zap.Error(err))
	}
}

func (h *health) observe(endpoint string, result probe.Result, took time.Duration) {
	r := metrics.ProbeDown
	switch result {
	case probe.Passed:
		r = metrics.ProbeUp
	case probe.PassedBusy:
		r = metrics.ProbeBusy
	}
	for _, t := range h.upstream.targets {
		if t.config.Name == endpoint {
			t.rules.Metrics.Probed(r, took)
		}
	}
}

// busy are the endpoints that say they are full.
func (h *health) busy() map[string]bool {
	busy := map[string]bool{}
	for _, r := range h.prober.Reports() {
		if r.State == probe.Busy {
			busy[r.Endpoint] = true
		}
	}
	return busy
}

// endpoint is the balancer's endpoint of that name, or nil.
func (u *upstream) endpoint(name string) *balancer.Endpoint {
	for _, t := range u.targets {
		if t.config.Name == name {
			return t.endpoint
		}
	}
	return nil
}
