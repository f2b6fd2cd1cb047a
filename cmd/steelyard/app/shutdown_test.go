package app_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
)

// A stream that ends in time ends whole, on a gateway that takes no more clients.
func TestShutdownLetsStreamsFinish(t *testing.T) {
	h := newHolder(t)
	r := run(t, config(t, "timeouts: {shutdown: 60s}", endpoint("h", h.URL, 100)))
	s := open(t, r)
	ended := make(chan error, 1)
	go func() { ended <- r.stop() }()
	eventually(t, "the listener to close", func() bool {
		c, err := net.Dial("tcp", r.Addrs()[0].String())
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	assert.Empty(t, ended, "it waits for the stream")
	h.release()
	rest, err := s.end()
	require.NoError(t, err)
	assert.Equal(t, "last\n", rest)
	require.NoError(t, <-ended)
	assert.Zero(t, r.state(t, "h").Endpoint.Load().InFlight())
}

func TestShutdownCutsLateStreams(t *testing.T) {
	h := newHolder(t)
	r := run(t, config(t, "timeouts: {shutdown: 20ms}", endpoint("h", h.URL, 100)))
	s := open(t, r)
	require.NoError(t, r.stop())
	_, err := s.end()
	require.Error(t, err, "a cut stream must not look whole")
	assert.Zero(t, r.state(t, "h").Endpoint.Load().InFlight())
}

// Between the signal and the closed listener the gateway says that it is going,
// and still serves.
func TestShutdownDelay(t *testing.T) {
	t.Parallel()
	a := backend(t, "a")
	r := run(t, config(t, "timeouts: {shutdown_delay: 2s, shutdown: 5s}", endpoint("a", a.URL, 100)))
	ready := func() (status int, text string) {
		answer, err := http.Get(r.admin + "/readyz")
		require.NoError(t, err)
		defer func() { _ = answer.Body.Close() }()
		b, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer.StatusCode, string(b)
	}
	eventually(t, "readiness", func() bool { status, _ := ready(); return status == http.StatusOK })
	ended := make(chan error, 1)
	go func() { ended <- r.stop() }()
	eventually(t, "no more readiness", func() bool {
		status, text := ready()
		return status == http.StatusServiceUnavailable && contains(text, "shutting down")
	})
	assert.Equal(t, "a", body(t, r.url))
	require.NoError(t, <-ended)
}

// A signal may come before the first probe has been answered, or even before Run.
func TestEarlyEnd(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // accepts no probe
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	a, err := app.New(config(t, "", endpoint("a", "http://"+ln.Addr().String(), 100)), app.Options{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.NoError(t, a.Run(ctx))
	for _, address := range a.Addrs() {
		_, err := net.Dial("tcp", address.String())
		assert.Error(t, err, "a listener is left open")
	}
	_, err = net.Dial("tcp", a.AdminAddr().String())
	assert.Error(t, err, "the admin listener is left open")
}
