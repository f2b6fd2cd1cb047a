package app_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/configs"
)

const within = time.Minute

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// backend answers with its name, or streams while /stream is asked for.
func backend(t *testing.T, name string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/stream" {
			_, _ = io.WriteString(w, name)
			return
		}
		for {
			if _, err := io.WriteString(w, "data: x\n\n"); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-time.After(time.Millisecond):
			}
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// config is a configuration of endpoints, given as name, URL and capacity.
func config(t *testing.T, head string, endpoints ...string) *configs.Config {
	t.Helper()
	text := head + `
listen: [{address: "127.0.0.1:0"}]
admin: {address: "127.0.0.1:0"}
upstreams:
  - name: chat
    health: {interval: 500ms, timeout: 500ms, unhealthy_threshold: 1, healthy_threshold: 1}
    endpoints:
`
	for _, e := range endpoints {
		text += "      - {" + e + "}\n"
	}
	cfg, err := configs.Parse("test.yaml", []byte(text), nil)
	require.NoError(t, err)
	return unhurried(cfg)
}

// unhurried gives the servers of the first upstream more time to answer a probe than a file may: on a busy machine half a second says
// nothing of a server.
func unhurried(cfg *configs.Config) *configs.Config {
	cfg.Upstreams[0].Health.Timeout = within
	return cfg
}

func endpoint(name, url string, capacity float64) string {
	return fmt.Sprintf("name: %s, url: %q, capacity: %g", name, url, capacity)
}

type running struct {
	*app.App
	url, admin string
	stop       func() error
}

func run(t *testing.T, cfg *configs.Config) *running {
	t.Helper()
	a, err := app.New(cfg, app.Options{})
	require.NoError(t, err)
	return serveApp(t, a)
}

// serveApp runs a gateway until the test ends, or stop is called.
func serveApp(t *testing.T, a *app.App) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	r := &running{App: a, url: "http://" + a.Addrs()[0].String()}
	if admin := a.AdminAddr(); admin != nil {
		r.admin = "http://" + admin.String()
	}
	r.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		_ = r.stop()
		http.DefaultClient.CloseIdleConnections()
	})
	return r
}

// line is the value of one series on the metrics page.
func line(t *testing.T, r *running, series string) string {
	t.Helper()
	for l := range strings.Lines(page(t, r)) {
		if value, ok := strings.CutPrefix(l, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// page is the metrics page of this moment; the admin listener's may be a second old.
func page(t *testing.T, r *running) string {
	t.Helper()
	text, err := io.ReadAll(r.Metrics().Page())
	require.NoError(t, err)
	return string(text)
}

func contains(s, part string) bool { return strings.Contains(s, part) }

func body(t *testing.T, url string) string {
	t.Helper()
	r, err := http.Get(url)
	require.NoError(t, err)
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return string(b)
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, within, time.Millisecond, what)
}

func TestDeadEndpointNeverGetsARequest(t *testing.T) {
	a := backend(t, "a")
	r := run(t, config(t, "", endpoint("a", a.URL, 100), endpoint("dead", nowhere, 100)))
	for range 20 {
		require.Equal(t, "a", body(t, r.url))
	}
	require.NotContains(t, page(t, r), "steelyard_repeats_total{endpoint=\"dead\",reason=\"connect\",upstream=\"chat\"} 1")
	require.Contains(t, body(t, r.admin+"/api/v1/upstreams"), "probe_failed")
}

// Endpoints come and go and change their capacity while requests run: none is
// lost, nothing stays in flight.
func TestReloadUnderLoad(t *testing.T) {
	a, b, c := backend(t, "a"), backend(t, "b"), backend(t, "c")
	sets := [][]string{
		{endpoint("a", a.URL, 100), endpoint("b", b.URL, 200)},
		{endpoint("b", b.URL, 50), endpoint("c", c.URL, 150)},
		{endpoint("c", c.URL, 100)},
		{endpoint("a", c.URL, 100), endpoint("b", b.URL, 1)},
	}
	r := run(t, config(t, "", sets[0]...))
	var lost, answered atomic.Int64
	var wg sync.WaitGroup
	stop := make(chan struct{})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	defer client.CloseIdleConnections()
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				answer, err := client.Post(r.url, "text/plain", strings.NewReader("x"))
				if err != nil {
					lost.Add(1)
					continue
				}
				if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != 200 {
					lost.Add(1)
				}
				_ = answer.Body.Close()
				answered.Add(1)
			}
		})
	}
	for i := range 40 {
		before := answered.Load()
		require.NoError(t, r.Reload(config(t, "", sets[i%len(sets)]...)))
		eventually(t, "requests go on", func() bool { return answered.Load() > before+5 })
	}
	close(stop)
	wg.Wait()
	require.Zero(t, lost.Load())
	for _, s := range r.Snapshots() {
		for _, e := range s.Endpoints {
			eventually(t, "the last answer to be settled", func() bool { return e.Endpoint.Load().InFlight() == 0 })
		}
	}
	metrics := page(t, r)
	require.NotContains(t, metrics, `steelyard_requests_total{code="2xx",endpoint="c"`, "who has left is forgotten")
	require.Contains(t, metrics, `steelyard_config_reloads_total{result="success"} 41`)
}

func TestFailedReloadChangesNothing(t *testing.T) {
	a := backend(t, "a")
	r := run(t, config(t, "", endpoint("a", a.URL, 100)))
	bad := config(t, "", endpoint("a", a.URL, 100))
	bad.Upstreams[0].Policy = "no-such-policy"
	require.Error(t, r.Reload(bad))
	require.Equal(t, "a", body(t, r.url))
	require.Contains(t, page(t, r), "steelyard_config_last_reload_successful 0")
	require.Contains(t, body(t, r.admin+"/readyz"), "no-such-policy")
}

// Who heard that a reload was refused hears that the file is again what is in effect.
func TestTheOldConfigurationIsBack(t *testing.T) {
	a := backend(t, "a")
	r := run(t, config(t, "", endpoint("a", a.URL, 1)))
	same := func() *configs.Config { return config(t, "", endpoint("a", a.URL, 1)) }
	reloads := func() int { return strings.Count(body(t, r.admin+"/api/v1/events"), `"reloaded"`) }
	require.NoError(t, r.Reload(same()))
	require.Zero(t, reloads(), "nothing has changed")
	r.ReloadFailed(errors.New("a typing error"))
	require.NoError(t, r.Reload(same()))
	require.Equal(t, 1, reloads())
	require.Empty(t, r.LastReload().Error)
	require.NoError(t, r.Reload(same()))
	require.Equal(t, 1, reloads(), "it is told once")
}

func TestDrain(t *testing.T) {
	a, b := backend(t, "a"), backend(t, "b")
	r := run(t, config(t, "", endpoint("a", a.URL, 100), endpoint("b", b.URL, 100)))
	post := func(action string) {
		answer, err := http.Post(r.admin+"/api/v1/upstreams/chat/endpoints/a/"+action, "", nil)
		require.NoError(t, err)
		_ = answer.Body.Close()
		require.Equal(t, 200, answer.StatusCode)
	}
	post("drain")
	for range 10 {
		require.Equal(t, "b", body(t, r.url))
	}
	post("undrain")
	eventually(t, "a serves again", func() bool { return body(t, r.url) == "a" })
}

func TestNoEligibleEndpoint(t *testing.T) {
	r := run(t, config(t, "", endpoint("a", nowhere, 100)))
	answer, err := http.Get(r.url)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	require.Equal(t, 503, answer.StatusCode)
	require.NotEmpty(t, answer.Header.Get("Retry-After"))
}

// A stream that does not end by itself is cut when timeouts.shutdown is over, and
// never looks whole.
func TestShutdownCutsWhatDoesNotEnd(t *testing.T) {
	a := backend(t, "a")
	r := run(t, config(t, "timeouts: {shutdown: 50ms}", endpoint("a", a.URL, 100)))
	answer, err := http.Get(r.url + "/stream")
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	_, err = bufio.NewReader(answer.Body).ReadString('\n')
	require.NoError(t, err)
	cut := make(chan error, 1)
	go func() { _, err := io.Copy(io.Discard, answer.Body); cut <- err }()
	require.NoError(t, r.stop())
	require.Error(t, <-cut)
}

func TestTakenPort(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	cfg := config(t, "", endpoint("a", "http://127.0.0.1:1", 100))
	cfg.Listen[0].Address = ln.Addr().String()
	_, err = app.New(cfg, app.Options{})
	require.ErrorContains(t, err, ln.Addr().String())
	require.ErrorContains(t, err, "listen[].address")
	require.ErrorContains(t, err, "address already in use")
}
