package lab

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/bench/peers"
	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/bench/scenario"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small is a scenario of the program, made small and simulated.
func small(t *testing.T, name string, requests int) *scenario.Scenario {
	t.Helper()
	s, err := scenario.Load(name, policy.Names())
	require.NoError(t, err)
	s.Simulated, s.Requests, s.Seeds = true, requests, 2
	return s
}

func find[T any](t *testing.T, list []T, is func(T) bool) T {
	t.Helper()
	for _, item := range list {
		if is(item) {
			return item
		}
	}
	require.FailNow(t, "not there", "%+v", list)
	panic("unreachable")
}

func row(t *testing.T, c report.Case, name string) report.Row {
	t.Helper()
	return find(t, c.Rows, func(r report.Row) bool { return r.Contender == name })
}

// TestCaseStudy holds the worked example to the figures that are worked out for it.
func TestCaseStudy(t *testing.T) {
	var seen []Progress
	l := New(Options{Scenario: small(t, "case-study", 8_000), Seed: 1, Progress: func(p Progress) { seen = append(seen, p) }})
	r, err := l.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, []uint64{1, 2}, r.Seeds)

	formula := func(name string) report.Formula {
		return find(t, r.Formulas, func(f report.Formula) bool { return f.Name == name })
	}
	near := func(want, got report.Number) {
		t.Helper()
		require.InEpsilon(t, float64(want), float64(got), 0.005)
	}
	require.False(t, formula("even split").Response.Exists())
	near(1, formula("even split").Utilisation[0])
	near(0.5, formula("published (1)").Values[1])
	require.True(t, formula("published (1)").Wrong)
	near(1.385, formula("the same, scaled to T").Utilisation[0])
	near(69.2, formula("the same, scaled to T").Values[1])
	near(2, formula("published (2)").Values[2])
	near(0.222, formula("published (3)").Values[0])
	near(0.020, formula("by capacity").Response)
	near(133.3, formula("by capacity").Values[1])
	near(0.0194, formula("square-root optimum").Response)
	near(141.7, formula("square-root optimum").Values[1])
	near(0.00667, formula("pooled bound").Response)

	c := r.Cases[0]
	require.InEpsilon(t, 0.020, float64(row(t, c, "random, by capacity").Mean), 0.1)
	require.InEpsilon(t, 1.0/3, row(t, c, "capacity").Shares[2], 0.001)
	require.Less(t, row(t, c, "least_load").Mean, row(t, c, "capacity").Mean)
	require.Less(t, row(t, c, "least_load + fifo").Mean, row(t, c, "least_load").Mean)
	require.Greater(t, row(t, c, "published T/(n·C_i)").Mean, report.Number(1), "it grows as long as the run is")
	require.True(t, row(t, c, "published T/(n·C_i)").Unstable)
	for _, bound := range []string{"pooled bound", "preemptive bound"} {
		line := find(t, c.Theory, func(l report.Line) bool { return l.Name == bound })
		require.Less(t, line.Response, row(t, c, "least_load + fifo").Mean, bound)
	}
	require.Len(t, c.Sweep, 9+2)
	even := find(t, c.Sweep, func(c report.Curve) bool { return c.Name == "even split" })
	require.True(t, even.Points[5].Y.Exists(), "at 0.6 the slowest is at 0.9")
	require.False(t, even.Points[6].Y.Exists(), "at 0.7 it is overloaded")

	require.NotEmpty(t, seen)
	for i := 1; i < len(seen); i++ {
		require.GreaterOrEqual(t, seen[i].Done, seen[i-1].Done)
	}
	require.LessOrEqual(t, seen[len(seen)-1].Done, 1.0)
	require.Greater(t, seen[len(seen)-1].Done, 0.5, "it says how far it is, as well as that can be known beforehand")
	_, err = report.HTML(r)
	require.NoError(t, err)
}

// TestPrize is what late binding and the order of the queue are for, as published in the research.
func TestPrize(t *testing.T) {
	s := small(t, "heavy-tail", 30_000)
	s.Sweep = nil
	r, err := New(Options{Scenario: s, Seed: 1}).Run(t.Context())
	require.NoError(t, err)
	for _, c := range r.Cases {
		blind, fifo, shortest := row(t, c, "least_load").Mean, row(t, c, "least_load + fifo").Mean, row(t, c, "least_load + shortest_first").Mean
		require.Less(t, fifo, 0.9*blind, c.Name)
		switch c.Name {
		case "no hints":
			require.Equal(t, fifo, shortest, "all are taken for the mean, whatever that is")
		case "meaningless hints":
			require.Less(t, shortest, 1.02*fifo)
		default:
			require.Less(t, shortest, 0.75*fifo, c.Name)
		}
	}
}

func TestChangesAreFelt(t *testing.T) {
	s := small(t, "step-change", 15_600)
	r, err := New(Options{Scenario: s, Seed: 3}).Run(t.Context())
	require.NoError(t, err)
	c := r.Cases[0]
	require.Greater(t, row(t, c, "capacity").Mean, 5*row(t, c, "least_load").Mean)
	during, before := 0.0, 0.0
	for _, p := range row(t, c, "capacity").Queue {
		if p.X < 38 {
			before = max(before, float64(p.Y))
		}
		if p.X > 60 && p.X < 90 {
			during = max(during, float64(p.Y))
		}
	}
	require.Greater(t, during, 3*before)
	for _, line := range c.Theory {
		require.NotContains(t, line.Name, "split")
	}
}

// TestGatewaysThatHear: they do as well as one that sees all, within 5 %, and a little more where each has a queue of its own.
func TestGatewaysThatHear(t *testing.T) {
	s := small(t, "replicas", 5000)
	s.Seeds = 1
	s.Cases = slices.DeleteFunc(s.Cases, func(c scenario.Case) bool { return c.Balancers > 1 && (c.Hear == 0 || c.Simulated) || c.Balancers > 4 })
	s.Contenders = slices.DeleteFunc(s.Contenders, func(c scenario.Contender) bool { return c.Policy == "capacity" })
	r, err := New(Options{Scenario: s, Seed: 1}).Run(t.Context())
	require.NoError(t, err)
	require.Len(t, r.Cases, 2)
	for _, c := range r.Cases[1:] {
		for policy, most := range map[string]report.Number{"two_choices": 1.05, "least_load": 1.05, "least_load + fifo": 1.06} {
			require.Less(t, row(t, c, policy).Mean/row(t, r.Cases[0], policy).Mean, most, "%s, %s", c.Name, policy)
		}
	}
}

// TestReplicas: a few balancers that do not see each other do best with least_load, many of them do not.
func TestReplicas(t *testing.T) {
	s := small(t, "replicas", 30_000)
	s.Cases = slices.DeleteFunc(s.Cases, func(c scenario.Case) bool { return c.Hear > 0 })
	s.Contenders = slices.DeleteFunc(s.Contenders, func(c scenario.Contender) bool { return c.Policy == "capacity" || c.Queue != "" })
	r, err := New(Options{Scenario: s, Seed: 1}).Run(t.Context())
	require.NoError(t, err)
	ratio := map[int]report.Number{}
	for _, c := range r.Cases[1:] {
		two := row(t, c, "two_choices")
		require.Equal(t, "policy two_choices, in each balancer", two.Settings)
		ratio[c.Balancers] = two.Mean / row(t, c, "least_load").Mean
	}
	require.Len(t, ratio, 3)
	require.Greater(t, ratio[4], report.Number(1.03))
	require.Less(t, ratio[8], report.Number(0.97))
	require.Less(t, ratio[16], report.Number(0.85))
}

func TestChangesThatComeTooLateAreTold(t *testing.T) {
	require.Empty(t, New(Options{Scenario: small(t, "step-change", 15_600)}).Notes())
	require.Equal(t, []string{"The run ends at 61.5 s, before the change of C100 at 80 s: give it more requests."},
		New(Options{Scenario: small(t, "step-change", 8_000)}).Notes())
	require.Len(t, New(Options{Scenario: small(t, "step-change", 3_000)}).Notes(), 2)
}

func TestFleets(t *testing.T) {
	s := small(t, "scale", 1)
	s.Sizes = []int{3, 50}
	r, err := New(Options{Scenario: s, Seed: 1}).Run(t.Context())
	require.NoError(t, err)
	require.Len(t, r.Fleets, 2*len(s.Contenders))
	for _, f := range r.Fleets {
		require.Positive(t, f.PickNanos)
		if f.Policy == "capacity" {
			require.Less(t, f.Farthest, 2.0)
		}
	}
	page, err := report.HTML(r)
	require.NoError(t, err)
	require.Contains(t, string(page), "Cost of a pick")
}

func TestStopsWhenTold(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, name := range []string{"case-study", "scale"} {
		_, err := New(Options{Scenario: small(t, name, 1000), Seed: 1}).Run(ctx)
		require.ErrorIs(t, err, context.Canceled)
	}
}

func TestTakes(t *testing.T) {
	s := small(t, "peers", 1500)
	require.Zero(t, New(Options{Scenario: s}).Takes())
	s.Simulated = false
	require.Zero(t, New(Options{Scenario: s}).Takes(), "no program is there")
	there := map[string]peers.Program{peers.Steelyard: {}}
	ours := len(New(Options{Scenario: s, Programs: there}).contenders(true))
	require.Greater(t, ours, 1)
	require.Equal(t, 40*time.Second, New(Options{Scenario: s, Programs: there}).Takes(), "two cases of two traces of 10 s, all contenders at once")
	require.Equal(t, time.Duration(ours)*40*time.Second, New(Options{Scenario: s, Programs: there, InTurn: true}).Takes())
	s.Rate = perCore * float64(runtime.NumCPU())
	require.Len(t, New(Options{Scenario: s, Programs: there}).groups(), ours, "no more than the machine carries at once")
}

// TestGroupsAreTold: who reads a ratio must know that the two were not measured at the same time.
func TestGroupsAreTold(t *testing.T) {
	s := small(t, "peers", 1500)
	s.Simulated = false
	there := map[string]peers.Program{peers.Steelyard: {}, peers.Nginx: {}}
	require.Empty(t, New(Options{Scenario: s, Programs: there}).head().Notes, "all at once")
	s.Rate = perCore * float64(runtime.NumCPU()) * 2 / 5
	notes := New(Options{Scenario: s, Programs: there, Notes: []string{"found before"}}).head().Notes
	require.Equal(t, []string{"found before", "Measured in 2 groups, one after the other on each trace: nginx least_conn, capacity, least_load; " +
		"least_load + fifo, least_load + shortest_first. × best peer compares across them, so what else the machine did meanwhile is in it."}, notes)
	delete(there, peers.Nginx)
	notes = New(Options{Scenario: s, Programs: there, InTurn: true}).head().Notes
	require.Len(t, notes, 1)
	require.Contains(t, notes[0], "Measured in 4 groups")
	require.NotContains(t, notes[0], "best peer")
	s.Simulated = true
	require.Empty(t, New(Options{Scenario: s, Programs: there, InTurn: true}).head().Notes)
}

func TestComparison(t *testing.T) {
	stats := func(means ...report.Number) (list []report.Stats) {
		for _, m := range means {
			list = append(list, report.Stats{Mean: m})
		}
		return list
	}
	rows := []report.Row{
		{Contender: "a", Kind: report.Peer, BySeed: stats(2, 4, 2), Stats: report.Stats{Mean: 2}},
		{Contender: "b", Kind: report.Peer, BySeed: stats(3, 2, 3), Stats: report.Stats{Mean: 3}},
		{Contender: "ours", Kind: report.Ours, BySeed: stats(1, 1.8, 1), Stats: report.Stats{Mean: 1}},
		{Contender: "ideal", Kind: report.Simulated, BySeed: stats(0.1, 0.1, 0.1), Stats: report.Stats{Mean: 0.1}},
	}
	compare(rows)
	require.Equal(t, report.Number(0.5), rows[2].RatioToPeer, "the median of 0.5, 0.9 and 0.5")
	require.Equal(t, report.Number(1), rows[0].RatioToPeer)
	require.False(t, rows[3].RatioToPeer.Exists())
	v := target(scenario.Case{Target: 0.55}, rows)
	require.Equal(t, report.Verdict{Contender: "ours", Peer: "a", Ratio: 0.5, Most: 0.55, Met: true}, *v)
	require.False(t, target(scenario.Case{Target: 0.4}, rows).Met)
	require.Nil(t, target(scenario.Case{}, rows))
	require.Nil(t, target(scenario.Case{Target: 0.4}, rows[2:]), "there is no peer")
	rows[2].Failures = map[string]int64{"refused": 1}
	require.Nil(t, target(scenario.Case{Target: 0.55}, rows), "it left out requests")
}
