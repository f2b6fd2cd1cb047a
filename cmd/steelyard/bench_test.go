package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/lab"
	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// asProgram makes the test's program behave as steelyard: the bench runs its own program as a contender.
const asProgram = "TEST_AS_STEELYARD"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// bench runs a bench command as a shell would, and returns what it printed.
func bench(ctx context.Context, args ...string) (string, error) {
	var out bytes.Buffer
	c := benchCommand()
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(args)
	c.SetOut(&out)
	err := c.ExecuteContext(ctx)
	return out.String(), err
}

// readResult reads what a bench has left in a folder.
func readResult(t *testing.T, dir string) (r report.Result) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, report.JSONFile))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &r))
	return r
}

func TestBenchList(t *testing.T) {
	out, err := bench(t.Context(), "list")
	require.NoError(t, err)
	for _, name := range []string{"case-study", "eight-slots", "heavy-tail", "llm", "peers", "replicas", "scale", "slow-node", "step-change", "unequal"} {
		require.Contains(t, "\n"+out, "\n"+name+" ")
	}
}

// TestBenchRun is the whole of it, small: real sockets, this program as a contender, and whichever peer is installed.
func TestBenchRun(t *testing.T) {
	t.Setenv(asProgram, "yes")
	dir := filepath.Join(t.TempDir(), "out")
	out, err := bench(t.Context(), "run", "case-study", "--requests", "300", "--out", dir)
	require.NoError(t, err, "%s", out)
	require.Contains(t, out, "least_load + shortest_first")
	require.Contains(t, out, "T_i = T/(n·C_i) is wrong.")
	require.Contains(t, out, "measuring exponential work, trace 1 of 1")

	r := readResult(t, dir)
	require.Equal(t, []string{"steelyard", "bench", "run", "case-study", "--requests=300"}, r.Command)
	require.True(t, r.Measured)
	require.Contains(t, r.Versions["steelyard"], "steelyard")
	ours := 0
	for _, row := range r.Cases[0].Rows {
		require.Empty(t, row.Failures, row.Contender)
		require.True(t, row.Mean.Exists(), row.Contender)
		if row.Kind == report.Ours {
			ours++
			require.NotNil(t, row.Simulation)
			sum := 0.0
			for _, share := range row.Shares {
				sum += share
			}
			require.InDelta(t, 1, sum, 1e-9, "every answer is of a known engine")
		}
	}
	require.Equal(t, 9, ours)
	page, err := os.ReadFile(filepath.Join(dir, report.HTMLFile))
	require.NoError(t, err)
	require.Contains(t, string(page), "</html>")

	_, err = bench(t.Context(), "run", "case-study", "--requests", "300", "--out", dir)
	require.ErrorContains(t, err, report.ErrExists.Error(), "it never replaces results unasked")
}

func TestBenchRunSimulated(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	out, err := bench(t.Context(), "run", "peers", "--simulate", "--requests", "500", "--seeds", "2", "--seed", "7", "--policy", "least_load,random", "--out", dir)
	require.NoError(t, err)
	require.NotContains(t, out, "measuring")
	var r struct {
		Seeds []uint64
		Cases []struct {
			Rows []struct{ Contender, Kind string }
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, report.JSONFile))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &r))
	require.Equal(t, []uint64{7, 8}, r.Seeds)
	require.Len(t, r.Cases[0].Rows, 4, "three of least_load, and random, which was asked for")
	require.Equal(t, "simulated", r.Cases[0].Rows[0].Kind)
}

func TestBenchRecordedTrace(t *testing.T) {
	recorded := filepath.Join(t.TempDir(), "day.csv")
	made, err := trace.New(trace.Options{Requests: 400, Rate: 100})
	require.NoError(t, err)
	text := "seconds,work\n"
	for _, r := range made.Requests {
		text += fmt.Sprintf("%.9f,%v\n", r.At.Seconds(), r.Work)
	}
	require.NoError(t, os.WriteFile(recorded, []byte(text), 0o600))
	dir := filepath.Join(t.TempDir(), "out")
	_, err = bench(t.Context(), "run", "peers", "--simulate", "--trace", recorded, "--out", dir)
	require.NoError(t, err)
	r := readResult(t, dir)
	require.Equal(t, "day", r.Cases[0].Name)
	require.Equal(t, 400, r.Requests)
	require.InEpsilon(t, made.Rate()*made.MeanWork(), r.Rate, 1e-6)
}

func TestBenchRefuses(t *testing.T) {
	own := filepath.Join(t.TempDir(), "own.yaml")
	require.NoError(t, os.WriteFile(own, []byte("title: x\ncontendres: []\n"), 0o600))
	recorded := filepath.Join(t.TempDir(), "recorded.yaml")
	require.NoError(t, os.WriteFile(recorded, []byte(`title: x
endpoints: [{name: a, capacity: 9}]
rate: 1
requests: 5
cases: [{work: trace, trace: day.csv}]
contenders: [{policy: capacity}]
`), 0o600))
	day := filepath.Join(t.TempDir(), "day.csv")
	require.NoError(t, os.WriteFile(day, []byte("seconds,work\n0.1,1\n0.2,100\n"), 0o600))
	wrong := filepath.Join(t.TempDir(), "wrong.csv")
	require.NoError(t, os.WriteFile(wrong, []byte("seconds,wrok\n0.1,1\n"), 0o600))
	for _, c := range []struct {
		want string
		args []string
	}{
		{"name one scenario: case-study,", []string{"run"}},
		{`unknown command "lisst" for "bench": did you mean "list"?`, []string{"lisst"}},
		{`bench run: unexpected argument "extra"`, []string{"run", "peers", "extra"}},
		{"none.yaml: there is no such file: give the path of yours, or one of the program: case-study,", []string{"run", "none.yaml"}},
		{"--peers nginx: peers cannot be simulated: leave out --simulate", []string{"run", "peers", "--simulate", "--peers", "nginx"}},
		{"--peers nginx: scenario replicas has several gateways", []string{"run", "replicas", "--peers", "nginx"}},
		{`no scenario is called "pers": did you mean "peers"?`, []string{"run", "pers"}},
		{`no scenario is called "eltastic": did you mean "elastic"?`, []string{"run", "eltastic"}},
		{"unequal, chaos, live, real, faults, forecast, elastic (a file of your own", []string{"run", "quite-different"}},
		{`there is no policy "least_laod": did you mean "least_load"?`, []string{"run", "peers", "--policy", "least_laod"}},
		{`there is no peer "ngnix": did you mean "nginx"?`, []string{"run", "peers", "--peers", "ngnix"}},
		{`there is no key contendres here: did you mean "contenders"?`, []string{"run", own}},
		{"day.csv: file does not exist: give the path of a CSV file", []string{"run", recorded}},
		{`there is no column "wrok": did you mean "work"?`, []string{"run", "peers", "--trace", wrong}},
		{"a load of T = 505 requests/s is more than the endpoints can carry", []string{"run", "peers", "--trace", day}},
		{"is a recorded trace, which has its own", []string{"run", "peers", "--trace", day, "--rate", "3"}},
		{"T = 225 requests/s is all that the endpoints can carry, ΣC = 225", []string{"run", "peers", "--rate", "225"}},
		{"to be read, a load of T = 22 requests/s is more than the endpoints can carry, ΣC = 21.72:", []string{"run", "llm", "--rate", "22", "--simulate"}},
		{"--seeds -1: give 1 ", []string{"run", "peers", "--seeds", "-1"}},
		{"--seeds 0: give 1 ", []string{"run", "peers", "--simulate", "--seeds", "0"}},
		{"--requests 0: give 1 ", []string{"run", "peers", "--simulate", "--requests", "0"}},
		{"--requests -1: give 1 ", []string{"run", "peers", "--requests", "-1"}},
		{"--rate -3: give requests per second, more than 0", []string{"run", "peers", "--rate", "-3"}},
		{"--rate 0: ", []string{"run", "peers", "--simulate", "--rate", "0"}},
		{"--rate NaN: ", []string{"run", "peers", "--simulate", "--rate", "NaN"}},
		{"--rate +Inf: ", []string{"run", "peers", "--simulate", "--rate", "Inf"}},
		{"--policy: name one policy or more", []string{"run", "peers", "--simulate", "--policy", ""}},
	} {
		require.Equal(t, exitBad, run(append([]string{"bench"}, c.args...)), "%v", c.args)
		_, err := bench(t.Context(), c.args...)
		require.ErrorContains(t, err, c.want)
		require.NotContains(t, err.Error(), "\n")
	}
}

func TestBenchStopsWhenTold(t *testing.T) {
	t.Setenv(asProgram, "yes")
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	dir := filepath.Join(t.TempDir(), "out")
	_, err := bench(ctx, "run", "peers", "--peers", "none", "--policy", "capacity", "--out", dir)
	require.ErrorContains(t, err, "stopped before the end")
	require.NoDirExists(t, dir)
}

func TestBar(t *testing.T) {
	var out bytes.Buffer
	b := &bar{out: &out, terminal: true, width: func() int { return 50 }}
	b.show(lab.Progress{Doing: "measuring something with a long name", Done: 0.5, Left: 90 * time.Second})
	b.clear()
	require.Equal(t, "\r\x1b[K██████████████░░░░░░░░░░░░░░  50 %  1m30s left  m\r\x1b[K", out.String())

	out.Reset()
	b = newBar(&out)
	require.False(t, b.terminal)
	for done := range 10 {
		b.show(lab.Progress{Doing: "measuring", Done: float64(done) / 10})
	}
	require.Equal(t, "  0 %  measuring\n", out.String(), "no more than a line now and then")
}

// TestBenchChaos is one fault, short: real processes, one of which is killed and comes back. Its goals are not judged here, as
// they have times in them.
func TestBenchChaos(t *testing.T) {
	t.Setenv(asProgram, "yes")
	dir := filepath.Join(t.TempDir(), "out")
	out, err := bench(t.Context(), "run", "chaos", "--only", "killed", "--peers", "none", "--rate", "60",
		"--before-fault", "500ms", "--fault", "1s", "--after-fault", "500ms", "--out", dir)
	if err != nil {
		require.ErrorContains(t, err, "goals missed", "%s", out)
	}
	require.Contains(t, out, "killed: a server is killed (SIGKILL)")
	r := readResult(t, dir)
	require.Equal(t, []string{"steelyard", "bench", "run", "chaos", "--only=killed", "--rate=60", "--before-fault=500ms", "--fault=1s", "--after-fault=500ms", "--peers=none"}, r.Command)
	require.Len(t, r.Trials, 1)
	row := r.Trials[0].Rows[0]
	require.Empty(t, row.Broken)
	require.Positive(t, row.Requests)
	require.NotEmpty(t, row.Checks)
	require.Zero(t, row.Checks[len(row.Checks)-1].Got, "gauges at the end")
	require.FileExists(t, filepath.Join(dir, report.HTMLFile))
}

func TestBenchChaosRefuses(t *testing.T) {
	t.Setenv(asProgram, "yes") // it asks itself for its version, and would run all tests to answer
	for _, c := range []struct {
		want string
		args []string
	}{
		{`there is no fault "kiled": did you mean "killed"?`, []string{"run", "chaos", "--only", "kiled", "--peers", "none"}},
		{`there is no policy "least_laod": did you mean "least_load"?`, []string{"run", "chaos", "--policy", "least_laod"}},
		{`there is no peer "ngnix": did you mean "nginx"?`, []string{"run", "chaos", "--peers", "ngnix"}},
		{"--rate 0: give requests per second", []string{"run", "chaos", "--rate", "0"}},
		{"none can be negative", []string{"run", "chaos", "--fault", "-1s", "--peers", "none"}},
		{"--before: ", []string{"run", "chaos", "--before", "no-such-file", "--peers", "none"}},
		{"bench soak: --for 1s: give 40s or more", []string{"soak", "--for", "1s"}},
	} {
		c.args = append(c.args, map[bool][]string{true: {"--out", filepath.Join(t.TempDir(), "out")}}[c.args[0] == "run"]...)
		_, err := bench(t.Context(), c.args...)
		require.ErrorContains(t, err, c.want)
		_, usage := errors.AsType[*usageError](err)
		require.True(t, usage, c.want)
	}
}
