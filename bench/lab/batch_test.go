package lab

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/bench/scenario"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// TestTheLLMScenario: what stands beside its rows must be true of engines that batch.
func TestTheLLMScenario(t *testing.T) {
	s := small(t, "llm", 4000)
	s.Sweep = []float64{0.5, 0.9, 0.99}
	r, err := New(Options{Scenario: s, Seed: 1}).Run(t.Context())
	require.NoError(t, err)
	require.NoError(t, New(Options{Scenario: s, Seed: 1}).Check())
	c := r.Cases[0]
	var names []string
	for _, line := range c.Theory {
		names = append(names, line.Name)
		for _, row := range c.Rows {
			if line.Name == "pooled bound" || line.Name == "no waiting" {
				require.Less(t, line.Response, row.Mean, "%s of %s", line.Name, row.Contender)
			}
		}
	}
	require.Equal(t, []string{"pooled bound", "no waiting", "central queue, fifo", "central queue, shortest_first"}, names, "no formula knows of a split")
	for _, curve := range c.Sweep {
		require.True(t, curve.Points[1].Y.Exists(), curve.Name)
		require.Equal(t, curve.Theory, curve.Points[2].Y.Exists(), "%s: with their prompts it is more than the engines carry", curve.Name)
	}

	s = small(t, "llm", 400)
	s.Rate, s.Sweep = 22.3, nil
	require.NoError(t, s.Carried(), "prompts apart")
	var overload *scenario.OverloadError
	err = New(Options{Scenario: s, Seed: 1}).Check()
	require.ErrorAs(t, err, &overload)
	require.Regexp(t, `^case chats: with prompts of \d+ tokens in the mean to be read, a load of T = 22\.3 requests/s is more than `+
		`the endpoints can carry, ΣC = 21\.\d\d: the queue would grow without bound: lower rate below 21\.\d\d$`, err.Error())
}

// TestTheBoundOfABatch: streams that are alone are faster than those of a full batch, and the preemptive bound must
// know, or an engine that is nearly idle comes below it.
func TestTheBoundOfABatch(t *testing.T) {
	s := small(t, "llm", 20_000)
	s.Rate, s.Seeds, s.Sweep, s.Cases = 2, 1, nil, []scenario.Case{{Name: "exponential", Work: "exponential", Hints: trace.Hints{Tokens: 200}}}
	for i := range s.Endpoints {
		s.Endpoints[i].Slowing = 0.5
	}
	l := New(Options{Scenario: s, Seed: 1})
	sum := 0.0
	for _, speed := range l.perSlot() {
		sum += speed
		require.Positive(t, speed)
	}
	require.InEpsilon(t, s.Capacity(), sum, 1e-9)
	require.InEpsilon(t, 5.0/8*(1+7*0.5), l.perSlot()[0], 1e-9, "a stream alone")
	r, err := l.Run(t.Context())
	require.NoError(t, err)
	bound := find(t, r.Cases[0].Theory, func(l report.Line) bool { return l.Name == "preemptive bound" })
	least := row(t, r.Cases[0], "least_load + fifo").Mean
	require.Less(t, bound.Response, least)
	require.Less(t, least, bound.Response*2, "it says something")
	require.Less(t, least, report.Number(8.0/10), "a slot of a full batch of the fastest takes longer")
}
