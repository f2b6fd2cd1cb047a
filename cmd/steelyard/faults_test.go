package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/chaos"
	"github.com/steelyard-proxy/steelyard/bench/peers"
	"github.com/steelyard-proxy/steelyard/bench/report"
)

// faultsHeld are the goals of the chaos bench that are counts, so that they hold on a busy machine as well, by how they begin.
var faultsHeld = map[string][]string{
	"killed":       {"failed requests, without"},
	"hung":         {"failed requests"},
	"error-500":    {"failed requests"},
	"reset-stream": {"answers that look whole", "of ", "and those with a clean end", "failed requests other"},
	"leaving":      {"clients that could not ask", "failed requests of the load"},
}

// TestFaultsLoseNothing breaks servers before this program as it is started by an operator, under a gentle load. One fault comes after
// the other: a thousand clients that leave in a second would starve the rest on a busy machine.
func TestFaultsLoseNothing(t *testing.T) {
	t.Setenv(asProgram, "yes")
	self, err := os.Executable()
	require.NoError(t, err)
	program, err := peers.Ours(t.Context(), self)
	require.NoError(t, err)
	for fault, goals := range faultsHeld {
		t.Run(fault, func(t *testing.T) {
			r, err := chaos.Run(t.Context(), chaos.Options{
				Contenders: []chaos.Contender{{Name: peers.Steelyard, Program: program}}, Only: []string{fault}, Seed: 1, Rate: 60,
				Times: chaos.Times{Before: 500 * time.Millisecond, During: 2 * time.Second, After: time.Second}, Server: []string{self, "bench", serverName},
			})
			require.NoError(t, err)
			row := r.Trials[0].Rows[0]
			require.Empty(t, row.Broken)
			require.Positive(t, row.Requests)
			for _, goal := range append(goals, "gauges at the end") {
				held := 0
				for _, c := range row.Checks {
					if strings.HasPrefix(c.Name, goal) {
						held++
						require.True(t, c.Met, c.String())
					}
				}
				require.Positive(t, held, "the bench has no goal that begins with %q: %v", goal, names(row.Checks))
			}
		})
	}
}

func names(checks []report.Check) (list []string) {
	for _, c := range checks {
		list = append(list, c.Name)
	}
	return list
}
