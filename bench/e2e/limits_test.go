package e2e

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// openFiles is the line of /proc that has a process's limits of open files, soft and hard.
var openFiles = regexp.MustCompile(`(?m)^Max open files +(\d+) +(\d+) `)

// The soft limit of open files is raised to the hard one, and a warning says how many are wanting, and the remedy.
func TestOpenFiles(t *testing.T) {
	s := startServer(t, "only", 100)
	for _, c := range []struct {
		hard, connections int
		warns             string
	}{
		{300, 1000, "this process may open 300 files, and limits.connections 1000 may need 2065"},
		{300, 100, ""},
	} {
		g := newGateway(t, fmt.Sprintf("limits: {connections: %d}", c.connections), s)
		g.process = start(t, nil, "/bin/sh", "-c", fmt.Sprintf("ulimit -Sn 100; ulimit -Hn %d; exec %s serve --config %s", c.hard, binary, g.file))
		g.becomesReady(t)
		limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", g.cmd.Process.Pid))
		if os.IsNotExist(err) {
			t.Skip("no /proc")
		}
		require.NoError(t, err)
		require.Equal(t, []string{"300", "300"}, openFiles.FindStringSubmatch(string(limits))[1:])
		eventually(t, "it has started", func() bool { return strings.Contains(g.err.String(), `"msg":"listening"`) })
		require.Equal(t, c.warns != "", strings.Contains(g.err.String(), "this process may open"))
		require.Contains(t, g.err.String(), c.warns)
	}
}

// The runtime's limit of memory follows the configuration; one set by hand stays.
func TestMemoryLimit(t *testing.T) {
	s := startServer(t, "only", 100)
	const few = "limits: {connections: 64}"
	limit := func(g *gateway, mib int) bool {
		return strings.Contains(get(t, g.admin+"/metrics"), fmt.Sprintf("\ngo_gc_gomemlimit_bytes %g\n", float64(mib<<20)))
	}
	g := serve(t, few, s)
	require.True(t, limit(g, 128+1))
	require.Contains(t, g.err.String(), `"memory_limit":"129MiB"`)

	byHand := newGateway(t, few, s)
	byHand.process = start(t, []string{"GOMEMLIMIT=321MiB"}, binary, "serve", "--config", byHand.file)
	byHand.becomesReady(t)
	require.True(t, limit(byHand, 321))
}
