package app_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

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
	get := func(url string) (status int, text string) {
		answer, err := http.Get(url)
		if err != nil {
			return 0, err.Error()
		}
		defer func() { _ = answer.Body.Close() }()
		b, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(b)
	}
	for delay := 2 * time.Second; ; delay *= 2 { // longer where the machine was too busy to ask in time
		cfg := config(t, "timeouts: {shutdown: 5s}", endpoint("a", a.URL, 100))
		cfg.Timeouts.ShutdownDelay = delay
		r := run(t, cfg)
		eventually(t, "readiness", func() bool { status, _ := get(r.admin + "/readyz"); return status == http.StatusOK })
		ended, since := make(chan error, 1), time.Now()
		go func() { ended <- r.stop() }()
		eventually(t, "no more readiness", func() bool {
			status, text := get(r.admin + "/readyz")
			return status == http.StatusServiceUnavailable && contains(text, "shutting down") || time.Since(since) >= delay
		})
		_, text := get(r.url)
		inTime := time.Since(since) < delay
		require.NoError(t, <-ended)
		if inTime {
			assert.Equal(t, "a", text)
			return
		}
		require.Less(t, delay, within, "it never says that it is going")
	}
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
