package report

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChecksSayHowFarAGoalWasMissed(t *testing.T) {
	for want, c := range map[string]Check{
		"failed requests 7, ≤ 5: missed by 2":                   AtMost("failed requests", 7, 5, ""),
		"failed requests 5, ≤ 5: met":                           AtMost("failed requests", 5, 5, ""),
		"goodput ÷ peak 0.850 ×, ≥ 0.900 ×: missed by 0.0500 ×": AtLeast("goodput ÷ peak", 0.85, 0.9, "×"),
		"its share 1.50 %, ≤ 1.00 %: missed by 0.50 %":          AtMost("its share", 0.015, 0.01, "%"),
		"out after 1.20 s, ≤ 3.00 s: met":                       AtMost("out after", 1.2, 3, "s"),
		"out after –, ≤ 3.00 s: missed":                         AtMost("out after", math.NaN(), 3, "s"),
		"still there –, ≥ 1: missed":                            AtLeast("still there", math.NaN(), 1, ""),
	} {
		require.Equal(t, want, c.String())
	}
}

// trials have a row of each kind.
func trials() []Trial {
	return []Trial{{Fault: "killed", What: "a server is <killed>", Goal: "nothing fails", Rows: []TrialRow{
		{Contender: "steelyard", Kind: Ours, Requests: 5000, Attempts: 5003, Out: 0.02, Checks: []Check{AtMost("failed requests", 0, 0, "")},
			Before: Spell{Requests: 1000, Share: 0.167, Mean: 0.02, P50: 0.02, P99: 0.05}, During: Spell{Requests: 2000, Share: 0, Mean: 0.021, P50: 0.02, P99: 0.06},
			After: Spell{Share: None(), Mean: None(), P50: None(), P99: None()}, Share: []Point{{-1, 0.17}, {0, 0.1}, {1, 0}}},
		{Contender: "nginx", Kind: Peer, Requests: 5000, Failures: map[string]int64{"502": 3}, Out: None(), Checks: []Check{AtMost("failed requests", 3, 0, ""), AtMost("out after", 1, 2, "s")}},
		{Contender: "haproxy", Kind: Peer, NotAsked: "it has no such signal"},
		{Contender: "older", Kind: Peer, Broken: "it ended"},
	}}}
}

func TestTrialsAreShown(t *testing.T) {
	r := fixture()
	r.Trials = trials()
	var table strings.Builder
	require.NoError(t, Table(&table, r))
	page, err := HTML(r)
	require.NoError(t, err)
	require.Contains(t, table.String(), "killed: a server is <killed>\nmust hold: nothing fails\n")
	require.Contains(t, string(page), "a server is &lt;killed&gt;")
	require.Contains(t, string(page), "Share of the faulty server")
	for _, want := range []string{"16.7 0.0 –", "20.0 ms / 21.0 ms / –", "3 502", "failed requests 0, ≤ 0: met",
		"failed requests 3, ≤ 0: missed by 3", "it has no such signal", "it ended"} {
		require.Contains(t, table.String(), want)
		require.Contains(t, string(page), want)
	}
	require.NotContains(t, table.String(), "out after 1.00 s", "of a verdict that is not met, only what missed is told")

	text, err := json.Marshal(r.Trials)
	require.NoError(t, err)
	var back []Trial
	require.NoError(t, json.Unmarshal(text, &back))
	require.True(t, back[0].Rows[0].Met())
	require.False(t, back[0].Rows[1].Met())
}
