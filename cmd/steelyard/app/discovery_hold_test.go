package app_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
)

// Requests to an upstream whose first list is still waited for are held.
func TestRequestsAreHeldForTheFirstList(t *testing.T) {
	a := backend(t, "a")
	file := filepath.Join(t.TempDir(), "list.json")
	fixed := config(t, "", endpoint("x", a.URL, 1))
	r := run(t, fixed)
	require.Equal(t, "a", body(t, r.url), "it has begun to serve")
	other := found(t, "", file)
	other.Upstreams[0].Name = "late"
	other.Upstreams[0].Discovery.InitialTimeout = within
	other.Routes[0].Upstream = "late"
	require.NoError(t, r.Reload(other))
	answers := make(chan string, 3)
	for range cap(answers) {
		go func() { answers <- body(t, r.url) }()
	}
	eventually(t, "them to wait", func() bool { return line(t, r, `steelyard_queue_requests{upstream="late"}`) == "3" })
	writeList(t, file, map[string]*httptest.Server{"a": a})
	for range cap(answers) {
		require.Equal(t, "a", <-answers)
	}
}

// heldFor begins a request that is held, since the only endpoint has still to arrive. It returns who makes that well, and the answer.
func heldFor(t *testing.T, r *running) (sink discovery.Sink, answer chan int) {
	t.Helper()
	sink, _ = app.FindBy(r.App, "chat", "test", within)
	sink.Found(discovery.List{Sure: true, Endpoints: []discovery.Endpoint{{Name: "cold", URL: "http://127.0.0.1:1"}}})
	eventually(t, "it to be awaited", func() bool { s := r.Snapshots()[0]; return s.Holding && len(s.Endpoints) == 1 })
	answer = make(chan int, 1)
	go func() {
		response, err := http.Get(r.url)
		if err != nil {
			answer <- 0
			return
		}
		_ = response.Body.Close()
		answer <- response.StatusCode
	}()
	eventually(t, "it to be held", func() bool { return line(t, r, `steelyard_queue_requests{upstream="chat"}`) == "1" })
	return sink, answer
}

// A process that another has replaced still serves what it holds.
func TestHeldRequestsAreServedAfterAHandover(t *testing.T) {
	r := run(t, found(t, "", filepath.Join(t.TempDir(), "none.json")))
	sink, answer := heldFor(t, r)
	r.HandOver()
	sink.Found(listed(true, map[string]*httptest.Server{"warm": backend(t, "warm")}))
	require.Equal(t, http.StatusOK, <-answer)
	require.NoError(t, r.stop())
}

// A shutdown waits no longer for what is held than for anything else, and nothing of it is left.
func TestHeldRequestsEndWithAShutdown(t *testing.T) {
	cfg := found(t, "", filepath.Join(t.TempDir(), "none.json"))
	cfg.Timeouts.Shutdown = 10 * time.Millisecond
	r := run(t, cfg)
	_, answer := heldFor(t, r)
	require.NoError(t, r.stop())
	require.NotEqual(t, http.StatusOK, <-answer)
	require.Zero(t, app.InFlight(r.App))
}

// A client that leaves while it is held leaves no trace.
func TestClientsThatLeaveWhileHeld(t *testing.T) {
	r := run(t, found(t, "", filepath.Join(t.TempDir(), "none.json")))
	sink, _ := app.FindBy(r.App, "chat", "test", within)
	sink.Found(discovery.List{Sure: true, Endpoints: []discovery.Endpoint{{Name: "cold", URL: "http://127.0.0.1:1"}}})
	eventually(t, "it to be awaited", func() bool { s := r.Snapshots()[0]; return s.Holding && len(s.Endpoints) == 1 })
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
		if err == nil {
			_, err = http.DefaultClient.Do(request) //nolint:bodyclose // it fails
		}
		left <- err
	}()
	eventually(t, "it to be held", func() bool { return line(t, r, `steelyard_queue_requests{upstream="chat"}`) == "1" })
	leave()
	require.Error(t, <-left)
	eventually(t, "it to be gone", func() bool { return line(t, r, `steelyard_queue_requests{upstream="chat"}`) == "0" })
	sink.Found(listed(true, map[string]*httptest.Server{"warm": backend(t, "warm")}))
	eventually(t, "the server", func() bool { return eligible(r, "warm") })
	require.Equal(t, "warm", body(t, r.url))
	require.Zero(t, app.InFlight(r.App))
}

// A request that was held in vain is answered 503, with why and when to come again.
func TestHeldInVain(t *testing.T) {
	r := run(t, found(t, "", filepath.Join(t.TempDir(), "none.json")))
	sink, _ := app.FindBy(r.App, "chat", "test", 50*time.Millisecond)
	sink.Found(discovery.List{Sure: true, Endpoints: []discovery.Endpoint{{Name: "cold", URL: "http://127.0.0.1:1"}}})
	eventually(t, "it to be awaited", func() bool { s := r.Snapshots()[0]; return s.Holding && len(s.Endpoints) == 1 })
	answer, err := http.Get(r.url)
	require.NoError(t, err)
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusServiceUnavailable, answer.StatusCode)
	require.NotEmpty(t, answer.Header.Get("Retry-After"))
	require.Contains(t, string(text), "queue_timeout")
	require.Contains(t, string(text), "cold (arriving)")
}
