package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/proxy/admin"
)

// What is known of an endpoint is told alike by the API and the metrics.
func TestStatesAreShown(t *testing.T) {
	a, b := backend(t, "a"), backend(t, "b")
	full := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }))
	t.Cleanup(full.Close)
	cfg := config(t, "", endpoint("a", a.URL, 100), endpoint("b", b.URL, 100), endpoint("full", full.URL, 200), endpoint("dead", nowhere, 100))
	cfg.Upstreams[0].Health.Path = "/health"
	r := run(t, cfg)
	answer, err := http.Post(r.admin+"/api/v1/upstreams/chat/endpoints/b/drain", "", nil)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())

	page := page(t, r)
	for _, series := range []string{
		`steelyard_endpoint_eligible{endpoint="a",upstream="chat"} 1`,
		`steelyard_endpoint_eligible{endpoint="b",upstream="chat"} 0`,
		`steelyard_endpoint_eligible{endpoint="dead",upstream="chat"} 0`,
		`steelyard_endpoint_eligible{endpoint="full",upstream="chat"} 1`,
		`steelyard_endpoint_condition{condition="draining",endpoint="b",upstream="chat"} 1`,
		`steelyard_endpoint_condition{condition="draining",endpoint="a",upstream="chat"} 0`,
		`steelyard_endpoint_condition{condition="probe_failed",endpoint="dead",upstream="chat"} 1`,
		`steelyard_endpoint_busy{endpoint="full",upstream="chat"} 1`,
		`steelyard_endpoint_busy{endpoint="a",upstream="chat"} 0`,
	} {
		assert.Contains(t, page, series)
	}
	assert.NotContains(t, page, `steelyard_probes_total{endpoint="full",result="busy",upstream="chat"} 0`)
	shown := body(t, r.admin+"/api/v1/upstreams")
	for _, part := range []string{`"draining"`, `"probe_failed"`, `"busy": true`} {
		assert.Contains(t, shown, part)
	}
}

// shown is the endpoint of the upstream chat as the API shows it, or fails.
func (r *running) shown(t *testing.T, name string) admin.Endpoint {
	t.Helper()
	var u admin.Upstream
	require.NoError(t, json.Unmarshal([]byte(body(t, r.admin+"/api/v1/upstreams/chat")), &u))
	for _, e := range u.Endpoints {
		if e.Name == name {
			return e
		}
	}
	require.Fail(t, "no such endpoint", name)
	return admin.Endpoint{}
}

// mortal is a server as backend makes it, at an address that is nobody else's when it has died.
func mortal(t *testing.T, name string) *httptest.Server {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0) // it keeps the port, and never listens
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Close(fd) })
	syscall.CloseOnExec(fd)
	require.NoError(t, syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1))
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	bound, err := syscall.Getsockname(fd)
	require.NoError(t, err)
	return serveAt(t, fmt.Sprintf("127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port), backend(t, name).Config.Handler)
}

// serveAt serves at an address, be it where a mortal server has died.
func serveAt(t *testing.T, address string, handler http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	require.NoError(t, s.Listener.Close())
	var err error
	s.Listener, err = net.Listen("tcp", address)
	require.NoError(t, err)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// An endpoint that refuses connections is passed over before any probe fails; its operator
// sees that while it lasts.
func TestUnreachableEndpointIsShown(t *testing.T) {
	a, b := backend(t, "a"), mortal(t, "b")
	cfg := config(t, "", endpoint("a", a.URL, 100), endpoint("b", b.URL, 100))
	cfg.Upstreams[0].Health.Interval = time.Hour // the first round, and no other
	r := run(t, cfg)
	const series = `steelyard_endpoint_unreachable{endpoint="b",upstream="chat"}`
	eventually(t, "b to serve", func() bool { return body(t, r.url) == "b" })
	assert.False(t, r.shown(t, "b").Unreachable)
	assert.Equal(t, "0", line(t, r, series))

	address, handler := b.Listener.Addr().String(), b.Config.Handler
	b.Close()
	eventually(t, "b to be passed over", func() bool {
		assert.Equal(t, "a", body(t, r.url), "the client sees nothing of it")
		return r.shown(t, "b").Unreachable
	})
	assert.Equal(t, "1", line(t, r, series))
	assert.True(t, r.shown(t, "b").Eligible, "no probe has failed")
	assert.False(t, r.shown(t, "a").Unreachable)
	assert.Equal(t, "0", line(t, r, `steelyard_endpoint_unreachable{endpoint="a",upstream="chat"}`))

	serveAt(t, address, handler)
	eventually(t, "b to serve again", func() bool { return body(t, r.url) == "b" })
	assert.False(t, r.shown(t, "b").Unreachable)
	assert.Equal(t, "0", line(t, r, series))

	require.NoError(t, r.Reload(config(t, "", endpoint("a", a.URL, 100))))
	eventually(t, "the series to go", func() bool { return line(t, r, series) == "" })
}

func TestDrainOfTheUnknown(t *testing.T) {
	a := backend(t, "a")
	r := run(t, config(t, "", endpoint("a", a.URL, 100)))
	for _, path := range []string{"/api/v1/upstreams/none/endpoints/a/drain", "/api/v1/upstreams/chat/endpoints/none/drain"} {
		answer, err := http.Post(r.admin+path, "", nil)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		assert.Equal(t, http.StatusNotFound, answer.StatusCode, path)
	}
	assert.Equal(t, "a", body(t, r.url))
}

// An upstream that leaves takes its series along.
func TestRemovedUpstreamIsForgotten(t *testing.T) {
	a, b := backend(t, "a"), backend(t, "b")
	cfg := func(name, url string) *configs.Config {
		c := config(t, "", endpoint("e", url, 100))
		c.Upstreams[0].Name, c.Routes[0].Upstream = name, name
		return c
	}
	r := run(t, cfg("one", a.URL))
	require.Equal(t, "a", body(t, r.url))
	require.Contains(t, page(t, r), `upstream="one"`)
	require.NoError(t, r.Reload(cfg("two", b.URL)))
	require.Equal(t, "b", body(t, r.url))
	eventually(t, "the series to go", func() bool { return !contains(page(t, r), `upstream="one"`) })
	assert.Contains(t, page(t, r), `upstream="two"`)
}

func TestAccessLog(t *testing.T) {
	core, logged := observer.New(zap.InfoLevel)
	a := backend(t, "a")
	one, err := app.New(config(t, "log: {access: true}", endpoint("a", a.URL, 100)), app.Options{Log: zap.New(core)})
	require.NoError(t, err)
	r := serveApp(t, one)
	require.Equal(t, "a", body(t, r.url+"/some/path"))
	http.DefaultClient.CloseIdleConnections()
	require.NoError(t, r.stop(), "the end writes what is left")
	var lines []observer.LoggedEntry
	for _, e := range logged.All() {
		if e.LoggerName == "access" {
			lines = append(lines, e)
		}
	}
	require.Len(t, lines, 1)
	assert.EqualValues(t, 200, lines[0].ContextMap()["status"])
}

// Clients are counted by what they do.
func TestClientConnectionsAreCounted(t *testing.T) {
	h := newHolder(t)
	r := run(t, config(t, "", endpoint("h", h.URL, 100)))
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	answer, err := client.Get(r.url)
	require.NoError(t, err)
	_, _ = io.Copy(io.Discard, answer.Body)
	require.NoError(t, answer.Body.Close())
	s := open(t, r)
	eventually(t, "one of each", func() bool {
		return line(t, r, `steelyard_client_connections{state="idle"}`) == "1" && line(t, r, `steelyard_client_connections{state="active"}`) == "1"
	})
	h.release()
	_, err = s.end()
	require.NoError(t, err)
	eventually(t, "none active", func() bool { return line(t, r, `steelyard_client_connections{state="active"}`) == "0" })
}

// A gateway whose admin listener fails ends, and says why.
func TestFailureEndsRun(t *testing.T) {
	a := backend(t, "a")
	one, err := app.New(config(t, "", endpoint("a", a.URL, 100)), app.Options{})
	require.NoError(t, err)
	app.CloseAdmin(one)
	ended := make(chan error, 1)
	go func() { ended <- one.Run(t.Context()) }()
	select {
	case err := <-ended:
		assert.ErrorContains(t, err, "serve the admin listener")
	case <-time.After(within):
		t.Fatal("it serves on, unseen by its operators")
	}
}
