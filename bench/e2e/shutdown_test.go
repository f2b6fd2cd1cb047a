package e2e

import (
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/backend"
)

// held is a gateway with one stream under way, whose server stands still.
func held(t *testing.T, more string) (*gateway, *server, io.Reader) {
	t.Helper()
	s := startServer(t, "only", 100)
	g := serve(t, more, s)
	stream := openStream(t, g.url)
	s.fault(t, backend.Hang)
	return g, s, stream
}

func (g *gateway) refusesConnections() bool {
	c, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
	if err != nil {
		return true
	}
	_ = c.Close()
	return false
}

func TestShutdownLetsStreamsFinish(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			g, s, stream := held(t, "")
			g.signal(t, signal)
			eventually(t, "not ready", func() bool { return status(g.admin+"/readyz") == 503 })
			eventually(t, "the listener is closed", g.refusesConnections)
			s.fault(t, backend.None)
			rest, err := io.ReadAll(stream)
			require.NoError(t, err)
			require.True(t, strings.HasSuffix(string(rest), "data: [DONE]\n\n"), "the stream came whole")
			require.Zero(t, g.exits(t))
		})
	}
}

// During shutdown_delay the gateway still takes requests, for balancers that have not yet seen that it is not ready.
func TestShutdownDelay(t *testing.T) {
	g := serve(t, "timeouts: {shutdown_delay: 10m}", startServer(t, "only", 100))
	g.signal(t, syscall.SIGTERM)
	eventually(t, "not ready", func() bool { return status(g.admin+"/readyz") == 503 })
	require.Equal(t, 200, status(g.url+"/v1/models"))
	g.signal(t, syscall.SIGTERM)
	require.Equal(t, 1, g.exits(t))
}

func TestShutdownCutsWhatTakesTooLong(t *testing.T) {
	g, _, stream := held(t, "timeouts: {shutdown: 200ms}")
	g.signal(t, syscall.SIGTERM)
	rest, err := io.ReadAll(stream)
	require.Error(t, err, "an answer cut short must not look whole")
	require.NotContains(t, string(rest), "[DONE]")
	require.Zero(t, g.exits(t))
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	g, _, stream := held(t, "timeouts: {shutdown: 10m}")
	g.signal(t, syscall.SIGTERM)
	eventually(t, "not ready", func() bool { return status(g.admin+"/readyz") == 503 })
	g.signal(t, syscall.SIGTERM)
	require.Equal(t, 1, g.exits(t))
	_, err := io.ReadAll(stream)
	require.Error(t, err)
}
