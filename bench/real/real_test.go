package real

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/bench/sim"
)

func run(t *testing.T, o Options) *report.Result {
	t.Helper()
	require.NoError(t, o.Check())
	r, err := Run(context.Background(), o)
	require.NoError(t, err)
	return r
}

// most holds a contender's mean R and time to first token on a setting to the most that they may be of least_load's.
func most(t *testing.T, r *report.Result, setting, contender string, load, response, first float64) {
	t.Helper()
	for _, o := range r.Offers {
		if o.Name() == setting && o.Load == load {
			times := o.Row(contender).Times
			require.LessOrEqual(t, float64(times.R), response, "R on %s at %g", setting, load)
			require.LessOrEqual(t, float64(times.TTFT), first, "time to first token on %s at %g", setting, load)
			return
		}
	}
	t.Fatalf("%s at %g was not offered", setting, load)
}

func TestLeastCostOnAFewRequests(t *testing.T) {
	r := run(t, Options{Only: []string{"conv E4", "tool E4", "agent E4"}, Loads: []float64{.7}, Policies: []string{rule}, Seeds: 3, Requests: 700, Plain: true})
	most(t, r, "conv E4", rule, .7, .90, .80)
	most(t, r, "tool E4", rule, .7, .92, .75)
	most(t, r, "agent E4", rule, .7, .60, .45)
}

func TestLeastCostEverywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	r := run(t, Options{Loads: []float64{.5, .85}, Policies: []string{rule}, Seeds: 2, Requests: 1200, Plain: true})
	for _, s := range settings {
		most(t, r, s.name(), rule, .5, 1.05, 1.20)
	}
	most(t, r, "conv E4", rule, .85, .85, .80)
	most(t, r, "conv L4", rule, .85, .88, .85)
}

// The published traces, where somebody has them.
func TestLeastCostOnPublishedTraces(t *testing.T) {
	folder := os.Getenv("STEELYARD_TRACES")
	if folder == "" {
		folder = "../../../shared/traces"
	}
	if _, err := os.Stat(filepath.Join(folder, conversations.file)); err != nil || testing.Short() {
		t.Skip("takes long, and the published traces: STEELYARD_TRACES names their folder")
	}
	r := run(t, Options{Folder: folder, Only: []string{"conv E4", "docs L4"}, Loads: []float64{.7}, Policies: []string{rule}, Seeds: 1, Requests: 4000, Plain: true})
	most(t, r, "conv E4", rule, .7, .90, .75)
	most(t, r, "docs L4", rule, .7, .72, .55)
}

func TestRunsAreAlike(t *testing.T) {
	o := Options{Only: []string{"code S6"}, Loads: []float64{.7}, Seeds: 2, Requests: 200, Plain: true}
	one, other := run(t, o), run(t, o)
	a, err := json.Marshal(one.Offers)
	require.NoError(t, err)
	b, err := json.Marshal(other.Offers)
	require.NoError(t, err)
	require.True(t, bytes.Equal(a, b))
	require.Len(t, one.Offers, 1)
	rows := one.Offers[0].Rows
	require.Greater(t, len(rows), 20)
	for _, row := range rows {
		require.Zero(t, row.Unserved, row.Contender)
		require.True(t, row.R > row.TTFT && row.TTFT > 0, row.Contender)
		sum := 0.0
		for _, share := range row.Shares {
			sum += share
		}
		require.InDelta(t, 1, sum, 1e-9)
	}
	require.Equal(t, report.Number(1), one.Offers[0].Row(against).Times.R)
	require.NotEmpty(t, one.Offers[0].Row(against).Stalled)
}

func TestVariantsAreJudged(t *testing.T) {
	r := run(t, Options{Only: []string{"agent L4", "conv L8"}, Loads: []float64{.7}, Policies: []string{rule}, Seeds: 1, Requests: 300})
	seen := map[string]string{}
	for _, g := range r.Goals {
		seen[g.Name] = g.Verdict()
	}
	require.Equal(t, "not judged", seen["conv L8 at 0.7: two gateways"])
	require.Contains(t, []string{"met", "missed"}, seen["agent L4 at 0.5: an engine restarts"])
	require.Contains(t, seen, "agent L4 at 0.5: an engine joins cold")
}

func TestVariantsChangeTheRun(t *testing.T) {
	source := &source{kind: conversations, seed: 1, requests: 60, rates: map[engine.Options]float64{}}
	work, err := source.read()
	require.NoError(t, err)
	for _, v := range variants {
		o := sim.Options{}
		for range unequal.kinds {
			o.Endpoints = append(o.Endpoints, sim.Endpoint{Engine: engine.Options{Kind: "a100", Capacity: 4}})
		}
		if v.change == nil {
			require.NotZero(t, v.batch, v.name)
			continue
		}
		v.change(&o, work)
		changed := o.Balancers > 1 || len(o.Changes) > 0
		for _, e := range o.Endpoints {
			changed = changed || e.Told != 0 || e.Joins != 0
		}
		require.True(t, changed, v.name)
	}
}

func TestGoalsHaveTwoSides(t *testing.T) {
	o := report.Offer{Trace: "tool", Fleet: "E4", Load: .7, Rows: []report.Served{
		{Contender: rule, Spans: report.Spans{R: 8, TTFT: 1}, Times: report.Spans{R: .8, TTFT: .5}},
		{Contender: queueName(16), Spans: report.Spans{R: 20, TTFT: 4}}, {Contender: queueName(32), Spans: report.Spans{R: 9, TTFT: 4}},
	}}
	g := goal{trace: "tool", fleet: "E4", load: .7, limits: []limit{r(.81), ttft(.56)}}
	held := g.judge(&o, "")
	require.Equal(t, "missed", held.Verdict(), "8/9 of the best queue is more than .81")
	require.Contains(t, held.Figures(), "R × HAProxy queue, 32 slots 0.889 ×, ≤ 0.810 ×: missed")
	o.Rows[2].R = 10
	require.Equal(t, "met", g.judge(&o, "").Verdict())
	held = g.judge(&o, "the file is missing")
	require.Equal(t, "not judged", held.Verdict())
	require.True(t, held.Met())
	require.Contains(t, held.Figures(), "R 0.800 ×, ≤ 0.810 ×: met")
	g.queue = true
	require.Equal(t, "not judged", g.judge(&o, "").Verdict(), "nobody of this name took part")
}

func TestBadOptions(t *testing.T) {
	for name, o := range map[string]Options{
		"conv L5":        {Only: []string{"conv L5"}},
		"load 1.5":       {Loads: []float64{1.5}},
		"-1 seeds":       {Seeds: -1},
		"does not exist": {Folder: t.TempDir(), Only: []string{"conv"}},
		"there is no \"": {Only: []string{""}},
	} {
		require.ErrorContains(t, o.Check(), name)
	}
	require.NoError(t, Options{Folder: t.TempDir(), Only: []string{"agent"}}.Check(), "nobody has published it")
}

func TestStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(context.Canceled)
	started := time.Now()
	_, err := Run(ctx, Options{Requests: 100_000})
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, time.Since(started), time.Minute)
}

func TestEveryGoalIsOfASetting(t *testing.T) {
	for _, g := range goals {
		require.Contains(t, names(), g.trace+" "+g.fleet)
	}
	for _, v := range variants {
		require.Contains(t, names(), v.of)
	}
	require.True(t, strings.HasPrefix(List(), "conv, "))
}
