package e2e

import (
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/backend"
)

// A SIGHUP that comes before main is remembered: who writes the file, starts the gateway and asks for a reload in one
// breath gets all three. The runtime tells which packages it has initialised, so that the moment is known.
func TestHangupBeforeMain(t *testing.T) {
	const room = "init github.com/steelyard-proxy/steelyard/cmd/steelyard/signals @"
	g := newGateway(t, "", startServer(t, "only", 100))
	g.process = start(t, []string{"GODEBUG=inittrace=1"}, binary, "serve", "--config", g.file)
	eventually(t, "signals are heard", func() bool { return strings.Contains(g.err.String(), room) })
	g.signal(t, syscall.SIGHUP)
	before, _, _ := strings.Cut(g.err.String(), room)
	for _, slow := range []string{"github.com/prometheus/", "github.com/spf13/", "net/http @"} {
		require.NotContains(t, before, slow, "what takes long is initialised after signals are heard")
	}
	g.becomesReady(t)
	eventually(t, "the early reload", func() bool {
		return strings.Contains(get(t, g.admin+"/metrics"), "steelyard_config_reloads_total{result=\"success\"} 2\n")
	})
}

// A SIGHUP at any moment from its first tenth of a second on ends no gateway.
func TestHangupsAroundTheStart(t *testing.T) {
	s := startServer(t, "only", 100)
	for after := 20 * time.Millisecond; after <= 100*time.Millisecond; after += 20 * time.Millisecond {
		g := newGateway(t, "", s)
		g.process = start(t, []string{"GODEBUG=inittrace=1"}, binary, "serve", "--config", g.file)
		eventually(t, "signals are heard", func() bool { return strings.Contains(g.err.String(), "/signals @") })
		<-time.After(after)
		g.signal(t, syscall.SIGHUP)
		g.becomesReady(t)
		g.signal(t, syscall.SIGTERM)
		require.Zero(t, g.exits(t))
	}
}

// A SIGHUP during the graceful stop is too late to mean anything, and costs nothing.
func TestHangupWhileStopping(t *testing.T) {
	g, s, stream := held(t, "")
	g.signal(t, syscall.SIGTERM)
	eventually(t, "the listener is closed", g.refusesConnections)
	for range 3 {
		said := strings.Count(g.err.String(), "SIGHUP is ignored while shutting down")
		g.signal(t, syscall.SIGHUP)
		eventually(t, "it is ignored", func() bool {
			return strings.Count(g.err.String(), "SIGHUP is ignored while shutting down") > said
		})
	}
	s.fault(t, backend.None)
	rest, err := io.ReadAll(stream)
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(string(rest), "data: [DONE]\n\n"), "the stream came whole")
	require.Zero(t, g.exits(t))
}

// Commands that have nothing to reload end at SIGHUP, as when their terminal is closed.
func TestHangupEndsOtherCommands(t *testing.T) {
	p := start(t, nil, binary, "demo", "--quiet", "--no-load", "--listen", freeAddress(t), "--admin", freeAddress(t))
	eventually(t, "it runs", func() bool { return p.out.String() != "" })
	p.signal(t, syscall.SIGHUP)
	p.exits(t)
	ended := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	require.True(t, ended.Signaled() && ended.Signal() == syscall.SIGHUP, "%v", p.cmd.ProcessState)
}
