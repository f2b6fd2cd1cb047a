package process

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
)

// TestMain makes a server of this program where it is started as one.
func TestMain(m *testing.M) {
	if port := os.Getenv("SERVE_PORT"); port != "" {
		_ = http.ListenAndServe("127.0.0.1:"+port, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(port)) }))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// TestRealServers start, answer at their URLs, and are gone when the actuator is closed.
func TestRealServers(t *testing.T) {
	stranger := httptest.NewServer(http.NotFoundHandler()) // has a port that nobody else may use
	defer stranger.Close()
	first := stranger.Listener.Addr().(*net.TCPAddr).Port
	require.False(t, autoscale.PortFree(first))
	a := New("chat", Settings{
		Command: []string{os.Args[0]}, Env: []string{"SERVE_PORT={port}"}, First: first, Last: min(first+50, 65535), Most: 2, StopTimeout: time.Minute, Logs: t.TempDir(),
	}, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = a.Run(ctx, func() {}) })
	require.NoError(t, a.Scale(ctx, autoscale.Order{ID: "1", To: 2}))
	var pids []int
	require.Eventually(t, func() bool {
		c, err := a.Count(ctx)
		require.NoError(t, err)
		up := 0
		for _, r := range c.Replicas {
			if answer, err := http.Get(r.URL); err == nil {
				_ = answer.Body.Close()
				up++
			}
		}
		return up == 2
	}, time.Minute, 5*time.Millisecond)
	for _, l := range a.Lend(ctx) {
		pids = append(pids, l.Pid)
		require.NoError(t, syscall.Close(l.Descriptor))
	}
	require.Len(t, pids, 2)
	a.Keep()
	cancel()
	running.Wait()
	require.NoError(t, a.Close(context.Background()))
	for _, pid := range pids {
		require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
	}
}
