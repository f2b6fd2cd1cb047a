package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBenchLive is one case, short: a real process before engines that batch. How long it takes is not judged.
func TestBenchLive(t *testing.T) {
	t.Setenv(asProgram, "yes")
	file := filepath.Join(t.TempDir(), "live.json")
	out, err := bench(t.Context(), "run", "live", "--only", "conv L4 .85", "--peers", "none", "--policy", "least_load", "--requests", "40", "--speed", "40", "--out", file)
	require.NoError(t, err, "without peers there is nothing to compare with: %s", out)
	require.Contains(t, out, "conv L4 .85: 40 requests (made)")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var r struct {
		Command []string
		Cases   []struct {
			Rows []struct {
				Spans     []float64
				Simulated []float64
				Failures  map[string]int
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &r))
	require.Equal(t, []string{"steelyard", "bench", "run", "live", "--only=conv L4 .85", "--policy=least_load", "--requests=40", "--speed=40", "--peers=none"}, r.Command)
	row := r.Cases[0].Rows[0]
	require.Empty(t, row.Failures)
	require.NotContains(t, row.Spans, 0.0)
	require.Len(t, row.Simulated, len(row.Spans))

	_, err = bench(t.Context(), "run", "live", "--peers", "none", "--out", file)
	require.ErrorContains(t, err, "is there already: give another --out, or --force to replace it")
}

func TestBenchLiveRefuses(t *testing.T) {
	t.Setenv(asProgram, "yes")
	for _, c := range []struct {
		want string
		args []string
	}{
		{`there is no case "conv E4": did you mean "conv E4 .7"?`, []string{"--only", "conv E4"}},
		{`there is no policy "least_laod": did you mean "least_load"?`, []string{"--policy", "least_laod"}},
		{"--requests 0: give 1 or more", []string{"--requests", "0"}},
		{"--runs 0: give 1 or more", []string{"--runs", "0"}},
		{"--speed 0: give how many times", []string{"--speed", "0"}},
		{"speed 2000: give how many times", []string{"--speed", "2000"}},
		{"0 slots: give 1 or more", []string{"--slots", "0"}},
		{"case conv E4 .7: read trace", []string{"--traces", t.TempDir()}},
	} {
		_, err := bench(t.Context(), append([]string{"run", "live", "--peers", "none", "--out", filepath.Join(t.TempDir(), "live.json")}, c.args...)...)
		require.ErrorContains(t, err, c.want)
		_, usage := errors.AsType[*usageError](err)
		require.True(t, usage, c.want)
	}
}
