package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	var out bytes.Buffer
	o, err := parse(nil, &out)
	require.NoError(t, err)
	require.Equal(t, []string{"nginx", "haproxy", "steelyard"}, o.Proxies)
	require.Equal(t, 100*time.Microsecond, o.chunkEvery())
	require.True(t, o.wants("unary") && o.wants("stream") && o.wants("memory"))

	o, err = parse([]string{"-only", "stream", "-rounds", "2"}, &out)
	require.NoError(t, err)
	require.True(t, o.wants("stream"))
	require.False(t, o.wants("memory"))

	o, err = parse([]string{"-proxies", "steelyard", "-before", "old"}, &out)
	require.NoError(t, err)
	require.Equal(t, []string{"steelyard", "before"}, o.Proxies)

	o, err = parse([]string{"-proxies", "bare,steelyard"}, &out)
	require.NoError(t, err)
	require.Equal(t, []string{"bare", "steelyard"}, o.Proxies)

	for _, bad := range [][]string{
		{"-only", "speed"}, {"-proxies", "apache"}, {"stream"}, {"-rounds", "0"}, {"-duration", "2h"}, {"-gap", "0s"}, {"-idle", "60000"}, {"-nonsense"},
	} {
		out.Reset()
		_, err := parse(bad, &out)
		require.Error(t, err, bad)
		require.NotEmpty(t, out.String(), "%v: nobody told", bad)
	}
}

// example has a proxy at twice nginx's cost in each of two rounds, the second of which the neighbours slowed.
func example() *Report {
	o, _ := parse([]string{"-rounds", "3"}, &bytes.Buffer{})
	r := &Report{Options: o}
	for round, slow := range []time.Duration{1, 3} {
		add := func(target string, cpu, p50 time.Duration) {
			r.Samples = append(r.Samples, Sample{
				Scenario: paced, Target: target, Round: round, Units: 1000, Elapsed: time.Second,
				CPU: 1000 * slow * cpu, P50: slow * p50, P99: 2 * slow * p50,
			})
		}
		add(direct, 0, 10*time.Microsecond)
		add("nginx", 20*time.Microsecond, 50*time.Microsecond)
		add("steelyard", 40*time.Microsecond, 60*time.Microsecond)
	}
	r.Samples = append(r.Samples, Sample{Scenario: paced, Target: "steelyard", Round: 2, Error: "check answer: not a 200\nmore"})
	return r
}

func cells(t *testing.T, r *Report, scenario, target string) map[string]string {
	for _, table := range r.tables() {
		if table.scenario != scenario {
			continue
		}
		for _, row := range table.rows(r) {
			if row[0] == target {
				byHead := map[string]string{}
				for i, head := range table.head() {
					byHead[head] = row[i]
				}
				return byHead
			}
		}
	}
	t.Fatalf("no row for %s in %s", target, scenario)
	return nil
}

func TestTables(t *testing.T) {
	r := example()
	ours := cells(t, r, paced, "steelyard")
	require.Equal(t, "80.00 [40.00 to 120.00]", ours["CPU µs/request"])
	require.Equal(t, "2.00 [2.00 to 2.00]", ours["× nginx"], "by round, so that a slow round cancels out")
	require.Equal(t, "-", ours["× HAProxy"], "was not measured")
	require.Equal(t, "100 [50 to 150]", ours["added p50 µs"])
	require.Equal(t, "8 [4 to 12]", ours["proxy busy %"])

	require.Equal(t, "", cells(t, r, paced, "nginx")["× nginx"])
	bare := cells(t, r, paced, direct)
	require.Equal(t, "-", bare["CPU µs/request"])
	require.Equal(t, "", bare["added p50 µs"])
}

func TestPoliciesAreMeasuredOnlyWhenAskedFor(t *testing.T) {
	var out bytes.Buffer
	o, err := parse(nil, &out)
	require.NoError(t, err)
	require.False(t, o.wants(policies))

	o, err = parse([]string{"-only", policies, "-rounds", "100", "-duration", "1m"}, &out)
	require.NoError(t, err)
	require.True(t, o.wants(policies))
	require.False(t, o.wants("unary"))
	require.Equal(t, []string{"steelyard"}, o.Proxies, "nothing else is installed or started for it")
	require.Greater(t, o.limit(), 100*time.Duration(len(allPolicies))*o.Duration)
}

func TestEachPolicyHasANameOfItsOwn(t *testing.T) {
	names := map[string]bool{}
	for _, p := range allPolicies {
		names[p.contender()] = true
	}
	require.Len(t, names, len(allPolicies))
	require.Contains(t, names, "steelyard/least_load+slots+shortest_first")
	require.Equal(t, base, allPolicies[0])
}

func TestPoliciesAreComparedWithCapacity(t *testing.T) {
	o, _ := parse([]string{"-only", policies, "-rounds", "2"}, &bytes.Buffer{})
	r := &Report{Options: o}
	for round, slow := range []time.Duration{1, 3} {
		for target, cpu := range map[string]time.Duration{"steelyard/capacity": 40, "steelyard/least_load": 42} {
			r.Samples = append(r.Samples, Sample{
				Scenario: shared, Target: target, Round: round, Units: 1000, Elapsed: time.Second, CPU: 1000 * slow * cpu * time.Microsecond,
			})
		}
	}
	row := cells(t, r, shared, "steelyard/least_load")
	require.Equal(t, "84.00 [42.00 to 126.00]", row["CPU µs/request"])
	require.Equal(t, "1.050 [1.050 to 1.050]", row["× capacity"])
	require.Empty(t, cells(t, r, shared, "steelyard/capacity")["× capacity"])
	require.Contains(t, r.Markdown(), "steelyard under each policy, 3 endpoints")
}

func TestMarkdownSaysWhichRoundsAreVoid(t *testing.T) {
	r := example()
	r.note("start nginx: %s\nsecond line", "it ended")
	r.note("start nginx: it ended")
	r.Syscalls = []Counts{{Scenario: paced, Target: "nginx", PerUnit: map[string]float64{"all": 5, "read": 3, "close": 0.001}}}
	text := r.Markdown()
	require.Contains(t, text, "- VOID unary, paced, steelyard, round 3: check answer: not a 200\n")
	require.Equal(t, 1, strings.Count(text, "start nginx: it ended"), "a remark is made once")
	require.NotContains(t, text, "Memory at", "what was not measured has no table")
	require.Contains(t, text, "| nginx | 5.00 | 3.00 |", "rare calls have no column")
}

func TestSave(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.json")
	require.NoError(t, example().Save(file))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var back Report
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, example().Samples, back.Samples)
	require.ErrorContains(t, example().Save(t.TempDir()), "save report")
}

func TestParseCounts(t *testing.T) {
	got, err := parseCounts([]byte("1000;;raw_syscalls:sys_enter;1;100.00;;\n300;;syscalls:sys_enter_read;1;100.00;;\n" +
		"0;;syscalls:sys_enter_write;1;100.00;;\n<not counted>;;syscalls:sys_enter_futex;0;100.00;;\n"))
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"all": 1000, "read": 300, "other": 700}, got)
	_, err = parseCounts([]byte("Error: no permission\n"))
	require.ErrorContains(t, err, "no system calls")
}
