package lab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/bench/scenario"
)

// TestWayTrace: its requests come as often as the scenario's, and are done before the next is due.
func TestWayTrace(t *testing.T) {
	for name, every := range map[string]time.Duration{"peers": time.Second / 150, "llm": farApart} {
		s, err := scenario.Load(name, policy.Names())
		require.NoError(t, err)
		l := New(Options{Scenario: s, Seed: 1})
		made := l.wayTrace()
		require.Len(t, made.Requests, wayRequests)
		last := made.Requests[wayRequests-1].At
		assert.InEpsilon(t, (every * wayRequests).Seconds(), last.Seconds(), 0.02, name)
		for i, r := range made.Requests[1:] {
			assert.GreaterOrEqual(t, r.At-made.Requests[i].At, every/2-time.Microsecond, name)
		}
		for _, service := range l.services(made.Requests[0]) {
			assert.LessOrEqual(t, service, every, name)
		}
	}
}

// TestServicesAtTheEnd: of a run in which speeds change.
func TestServicesAtTheEnd(t *testing.T) {
	s, err := scenario.Load("step-change", policy.Names())
	require.NoError(t, err)
	s.Changes = s.Changes[:1] // C100 goes on with 50
	l := New(Options{Scenario: s, Seed: 1})
	assert.Equal(t, []time.Duration{5 * time.Millisecond, 5 * time.Millisecond, 3333333}, l.services(l.wayTrace().Requests[0]))
}

func TestBeside(t *testing.T) {
	ms := time.Millisecond
	services := []time.Duration{5 * ms, 2 * ms}
	r := run{response: []time.Duration{6 * ms, 9 * ms, -1, 4 * ms, 70 * ms}, served: []int{0, 0, 1, 1, noEndpoint}}
	assert.InDelta(t, 0.002, float64(r.beside(services)), 1e-12)
	assert.False(t, run{}.beside(services).Exists())
	plus := report.Stats{Mean: 1, P50: report.None()}.Plus(0.5)
	assert.Equal(t, report.Number(1.5), plus.Mean)
	assert.False(t, plus.P50.Exists())
	assert.Equal(t, report.Number(1), report.Stats{Mean: 1}.Plus(report.None()).Mean)
}
