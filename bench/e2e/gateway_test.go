package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// gateway is a running `steelyard serve`.
type gateway struct {
	*process
	head       string // of its configuration: all but the upstream
	file       string
	url, admin string
}

// serve starts a gateway in front of servers. more is configuration besides addresses and the upstream.
func serve(t *testing.T, more string, servers ...*server) *gateway {
	t.Helper()
	g := newGateway(t, more, servers...)
	g.process = start(t, nil, binary, "serve", "--config", g.file)
	g.becomesReady(t)
	return g
}

func (g *gateway) becomesReady(t *testing.T) {
	t.Helper()
	eventually(t, "the gateway is ready", func() bool { return status(g.admin+"/readyz?upstreams=1") == 200 })
}

// newGateway is one that has not been started, with its file written.
func newGateway(t *testing.T, more string, servers ...*server) *gateway {
	t.Helper()
	address, admin := freeAddress(t), freeAddress(t)
	g := &gateway{
		head: fmt.Sprintf("listen: [{address: %q}]\nadmin: {address: %q}\n%s\n", address, admin, more),
		file: filepath.Join(t.TempDir(), "steelyard.yaml"),
		url:  "http://" + address, admin: "http://" + admin,
	}
	g.write(t, servers...)
	return g
}

// write writes the configuration file.
func (g *gateway) write(t *testing.T, servers ...*server) {
	t.Helper()
	var b strings.Builder
	b.WriteString(g.head)
	b.WriteString("upstreams:\n  - name: chat\n")
	b.WriteString("    health: {path: /health, interval: 500ms, timeout: 500ms, unhealthy_threshold: 2, healthy_threshold: 1}\n    endpoints:\n")
	for _, s := range servers {
		fmt.Fprintf(&b, "      - {name: %s, url: %q, capacity: %g}\n", s.name, s.url(), s.capacity)
	}
	require.NoError(t, os.WriteFile(g.file, []byte(b.String()), 0o600))
}

// endpoint is what the admin API says of one.
type endpoint struct {
	Name       string
	Capacity   float64
	Eligible   bool
	InFlight   int64 `json:"in_flight"`
	Conditions []struct{ Name, Reason string }
}

func (g *gateway) endpoints(t *testing.T) map[string]endpoint {
	t.Helper()
	var all struct {
		Upstreams []struct{ Endpoints []endpoint }
	}
	require.NoError(t, json.Unmarshal([]byte(get(t, g.admin+"/api/v1/upstreams")), &all))
	require.Len(t, all.Upstreams, 1)
	byName := map[string]endpoint{}
	for _, e := range all.Upstreams[0].Endpoints {
		byName[e.Name] = e
	}
	return byName
}

// atRest waits until no endpoint has anything in flight: what counts up counts down, whatever went wrong.
func (g *gateway) atRest(t *testing.T) {
	t.Helper()
	eventually(t, "nothing is in flight", func() bool {
		for _, e := range g.endpoints(t) {
			if e.InFlight != 0 {
				return false
			}
		}
		return true
	})
}

// status is the status of a GET, or 0.
func status(url string) int {
	r, err := http.Get(url)
	if err != nil {
		return 0
	}
	_ = r.Body.Close()
	return r.StatusCode
}

func get(t *testing.T, url string) string {
	t.Helper()
	r, err := http.Get(url)
	require.NoError(t, err)
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Equal(t, 200, r.StatusCode, "%s: %s", url, body)
	return string(body)
}

func post(t *testing.T, url string) int {
	t.Helper()
	r, err := http.Post(url, "", nil)
	require.NoError(t, err)
	_ = r.Body.Close()
	return r.StatusCode
}
