package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/health/resource/agent"
)

// The agent serves its page until it is told to stop.
func TestAgent(t *testing.T) {
	a, err := agent.New(agent.Options{})
	require.NoError(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serveAgent(ctx, a, ln) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + ln.Addr().String() + "/metrics")
	require.NoError(t, err)
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, 200, answer.StatusCode)
	require.Contains(t, string(text), "node_memory_MemAvailable_bytes ")
	cancel()
	require.NoError(t, <-ended)
}

func TestReady(t *testing.T) {
	body, status := `{"ready": true, "reasons": []}`, 200
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/readyz", r.URL.Path)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	defer server.Close()
	ask := func() error { return (&adminListener{address: server.URL}).ready(t.Context()) }
	require.NoError(t, ask())
	body, status = `{"ready": false, "reasons": ["shutting down", "so"]}`, 503
	require.EqualError(t, ask(), "not ready: shutting down; so")
	body = "<html>"
	require.EqualError(t, ask(), "not ready: what answers there is no steelyard's admin listener (status 503)")
	for listens, asked := range map[string]string{":9090": "127.0.0.1:9090", "0.0.0.0:1": "127.0.0.1:1", "[::]:1": "[::1]:1", "10.0.0.1:1": "10.0.0.1:1", "unix:/s": "unix:/s", "": ""} {
		require.Equal(t, asked, reachable(listens))
	}
	require.ErrorContains(t, (&adminListener{address: "127.0.0.1:1"}).ready(t.Context()), "not ready: no gateway answers: ")
}
