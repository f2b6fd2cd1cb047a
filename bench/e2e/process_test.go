package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// load sends requests from a few clients until stop is called; stop returns how
// many were answered and how many were lost.
func load(url string, clients int) (stop func() (answered, lost int64)) {
	var ok, failed atomic.Int64
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				r, err := http.Post(url, "application/json", strings.NewReader(`{"model":"x"}`))
				if err != nil {
					failed.Add(1)
					continue
				}
				if _, err := io.Copy(io.Discard, r.Body); err != nil || r.StatusCode != http.StatusOK {
					failed.Add(1)
				} else {
					ok.Add(1)
				}
				_ = r.Body.Close()
			}
		})
	}
	return func() (int64, int64) {
		close(done)
		wg.Wait()
		return ok.Load(), failed.Load()
	}
}

func status(url string) string {
	r, err := http.Get(url)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = r.Body.Close() }()
	b, _ := io.ReadAll(r.Body)
	return string(b)
}

func TestKilledEndpointLosesOnlyWhatWasOnIt(t *testing.T) {
	const clients = 8
	addresses := []string{freePort(t), freePort(t), freePort(t)}
	var victims *process
	for i, a := range addresses {
		if p := backend(t, a); i == 1 {
			victims = p
		}
	}
	g := serve(t, "", []int{100, 200, 150}, addresses...)
	stop := load(g.url, clients)
	served := func(name string) func() bool {
		return func() bool { return status(g.url) == name+"\n" }
	}
	eventually(t, "b serves", served(addresses[1]))
	victims.signal(t, syscall.SIGKILL)
	victims.exits(t)
	eventually(t, "b is out", func() bool { return strings.Contains(status(g.admin+"/api/v1/upstreams"), "probe_failed") })
	backend(t, addresses[1])
	eventually(t, "b is back", func() bool { return !strings.Contains(status(g.admin+"/api/v1/upstreams"), "probe_failed") })
	eventually(t, "b serves again", served(addresses[1]))
	answered, lost := stop()
	t.Logf("answered %d, lost %d of at most %d that were on it", answered, lost, clients)
	require.Positive(t, answered)
	require.LessOrEqual(t, lost, int64(clients))
}

func TestReloadLosesNothing(t *testing.T) {
	addresses := []string{freePort(t), freePort(t)}
	for _, a := range addresses {
		backend(t, a)
	}
	g := serve(t, "", []int{100, 100}, addresses...)
	config, err := os.ReadFile(g.config)
	require.NoError(t, err)
	head, _, _ := strings.Cut(string(config), "upstreams:")
	stop := load(g.url, 4)
	reloads := func(n int, result string) func() bool {
		want := fmt.Sprintf("steelyard_config_reloads_total{result=%q} %d\n", result, n)
		return func() bool { return strings.Contains(status(g.admin+"/metrics"), want) }
	}
	for i := range 6 {
		g.write(t, head, []int{100 + i, 200}, addresses[:1+i%2]...)
		g.signal(t, syscall.SIGHUP)
		eventually(t, "reloaded", reloads(2+i, "success"))
	}
	require.NoError(t, os.WriteFile(g.config, []byte("listen: nonsense\n"), 0o600))
	g.signal(t, syscall.SIGHUP)
	eventually(t, "refused", reloads(1, "failure"))
	answered, lost := stop()
	require.Positive(t, answered)
	require.Zero(t, lost)
}

func TestShutdownFinishesStreams(t *testing.T) {
	address := freePort(t)
	backend(t, address)
	g := serve(t, "", []int{100}, address)
	r, err := http.Get(g.url + "/stream")
	require.NoError(t, err)
	defer func() { _ = r.Body.Close() }()
	g.signal(t, syscall.SIGTERM)
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(string(body), "[DONE]\n\n"), "the stream came whole")
	require.Zero(t, g.exits(t))
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	address := freePort(t)
	backend(t, address)
	g := serve(t, "timeouts: {shutdown: 10m, shutdown_delay: 5m}\n", []int{100}, address)
	g.signal(t, syscall.SIGTERM)
	eventually(t, "not ready", func() bool { return !answers(g.admin + "/readyz")() })
	require.True(t, answers(g.url)(), "served during shutdown_delay")
	g.signal(t, syscall.SIGTERM)
	require.NotZero(t, g.exits(t))
}

func TestTakenPort(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	for _, args := range [][]string{
		{"demo", "--no-load", "--listen", ln.Addr().String(), "--admin", freePort(t)},
		{"demo", "--no-load", "--admin", ln.Addr().String(), "--listen", freePort(t)},
	} {
		out, err := exec.Command(binary, args...).CombinedOutput()
		exit, ok := err.(*exec.ExitError)
		require.True(t, ok, "%v", err)
		require.Equal(t, 1, exit.ExitCode())
		require.Equal(t, 1, strings.Count(strings.TrimSpace(string(out)), "\n")+1, "%s", out)
		require.Contains(t, string(out), ln.Addr().String())
	}
}

func TestBadConfiguration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(file, []byte("lisen: []\nupstreams:\n  - endpoints:\n      - {url: \"127.0.0.1:9001\", capacity: -3}\n"), 0o600))
	for _, command := range []string{"check", "serve"} {
		out, err := exec.Command(binary, command, "--config", file).CombinedOutput()
		exit, ok := err.(*exec.ExitError)
		require.True(t, ok, "%v", err)
		require.Equal(t, 2, exit.ExitCode())
		for _, want := range []string{":1: lisen", ":4: upstreams[0].endpoints[0].url", "capacity"} {
			require.Contains(t, string(out), want)
		}
	}
}

func TestExamplesAreGood(t *testing.T) {
	for _, name := range []string{"gateway.yaml", "sidecar.yaml"} {
		out, err := exec.Command(binary, "check", "--config", filepath.Join("../../configs", name)).CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "share")
	}
}

func TestMetricsPleasePromtool(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (Debian package prometheus)")
	}
	address := freePort(t)
	backend(t, address)
	g := serve(t, "", []int{100}, address)
	require.True(t, answers(g.url)())
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = strings.NewReader(status(g.admin + "/metrics"))
	out, err := check.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Empty(t, strings.TrimSpace(string(out)))
}
