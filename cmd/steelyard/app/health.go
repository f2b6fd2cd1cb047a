// Probes and look-ups of names: their settings, and what they tell.

package app

import (
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/health/names"
	"github.com/steelyard-proxy/steelyard/health/probe"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/admin"
)

// probing is how a member of u is probed.
func (u *upstream) probing(m *member) probe.Options {
	c := u.config.Health
	return probe.Options{
		Upstream: u.name, Path: c.Path, Interval: c.Interval, Timeout: c.Timeout,
		UnhealthyThreshold: c.UnhealthyThreshold, HealthyThreshold: c.HealthyThreshold,
		ReleaseAfter: c.ReleaseAfter, Release: m.release,
		Healthy: within(c.Statuses), Busy: within(c.BusyStatuses),
		Sink: m, Observe: m.probed, Starting: m.arriving.Load, Log: m.log,
	}
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

// SetProbe implements probe.Sink. It is the only writer of the condition ProbeFailed.
func (m *member) SetProbe(state probe.State, reason string) {
	if err := m.judge(state, reason); err != nil {
		m.log.Debug("probe of an endpoint that is gone", zap.Error(err))
	}
}

func (m *member) judge(state probe.State, reason string) error {
	m.verdict.Lock()
	defer m.verdict.Unlock()
	if m.silenced {
		return nil
	}
	if m.arriving.Load() {
		if state == probe.Down {
			return nil // it has not come yet, so it is not missed
		}
		m.arriving.Store(false)
		_, err := m.pool.SetCondition(m.name, balancer.Arriving, false, "")
		return err
	}
	changed, err := m.pool.SetCondition(m.name, balancer.ProbeFailed, state == probe.Down, reason)
	if changed && state != probe.Down {
		m.outlier.Revived()
	}
	return err
}

// probed counts one probe, and keeps it for the admin API.
func (m *member) probed(result probe.Result, took time.Duration) {
	r := metrics.ProbeDown
	switch result {
	case probe.Passed:
		r = metrics.ProbeUp
	case probe.PassedBusy:
		r = metrics.ProbeBusy
	}
	m.instruments.Probed(r, took)
	m.lastProbe.Store(&admin.Probe{At: time.Now(), Result: result.String(), TookSeconds: took.Seconds()})
	if r != metrics.ProbeDown && m.prober.Report().State == probe.Down && (m.arriving.Load() || m.pool.Snapshot().Short) {
		m.transitions.hasten()
	}
}

// lookedUp counts one look-up of the endpoint's name.
func (m *member) lookedUp(result names.Result) {
	m.instruments.LookedUp([...]metrics.LookupResult{
		names.Found: metrics.LookupFound, names.NotFound: metrics.LookupNotFound, names.Failed: metrics.LookupFailed,
	}[result])
}

// release ends the wait of all requests that have not got a byte of an answer from the endpoint.
func (m *member) release() {
	if n := m.conns.Load().Forsake(); n > 0 {
		m.log.Warn("requests released that waited for an endpoint which fails its probes",
			zap.String("endpoint", m.name), zap.Int("requests", n))
	}
}

// busy says whether the endpoint says that it is full.
func (m *member) busy() bool { return m.prober.Report().State == probe.Busy }
