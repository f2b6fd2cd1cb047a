package e2e

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// within is how long a condition may take to come true.
const within = 20 * time.Second

var binary string

func TestMain(m *testing.M) {
	if role := os.Getenv("E2E_BACKEND"); role != "" {
		runBackend(role)
		return
	}
	if os.Getenv("E2E") == "" {
		fmt.Println("bench/e2e: skipped, run make e2e")
		return
	}
	os.Exit(runAll(m))
}

func runAll(m *testing.M) int {
	folder, err := os.MkdirTemp("", "steelyard-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	binary = filepath.Join(folder, "steelyard")
	if out, err := exec.Command("go", "build", "-o", binary, "../../cmd/steelyard").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build steelyard: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// process is a child with what it has said.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}

	mu  sync.Mutex
	out bytes.Buffer // guarded by mu
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// start runs a program until the test ends.
func start(t *testing.T, env []string, name string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(name, args...), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	require.NoError(t, p.cmd.Start())
	go func() { _ = p.cmd.Wait(); close(p.done) }()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(name), p.said())
		}
	})
	return p
}

func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(s))
}

// exits waits for the end and returns the exit code.
func (p *process) exits(t *testing.T) int {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(within):
		require.Fail(t, "the program did not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

// freePort is an address that nobody listens on at the moment.
func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, within, 10*time.Millisecond, what)
}

func answers(url string) func() bool {
	return func() bool {
		r, err := http.Get(url)
		if err != nil {
			return false
		}
		_ = r.Body.Close()
		return r.StatusCode == http.StatusOK
	}
}

// gateway is a running steelyard.
type gateway struct {
	*process
	config, url, admin string
}

// serve starts `steelyard serve` over backends named a, b, … at these addresses.
func serve(t *testing.T, extra string, capacities []int, backends ...string) *gateway {
	t.Helper()
	address, admin := freePort(t), freePort(t)
	g := &gateway{config: filepath.Join(t.TempDir(), "steelyard.yaml"), url: "http://" + address, admin: "http://" + admin}
	g.write(t, fmt.Sprintf("listen: [{address: %q}]\nadmin: {address: %q}\n%s", address, admin, extra), capacities, backends...)
	g.process = start(t, nil, binary, "serve", "--config", g.config)
	eventually(t, "the gateway is ready", answers(g.admin+"/readyz"))
	return g
}

func (g *gateway) write(t *testing.T, head string, capacities []int, backends ...string) {
	t.Helper()
	var b strings.Builder
	b.WriteString(head)
	b.WriteString("upstreams:\n  - name: chat\n    health: {path: /health, interval: 100ms, timeout: 100ms, unhealthy_threshold: 1, healthy_threshold: 1}\n    endpoints:\n")
	for i, address := range backends {
		fmt.Fprintf(&b, "      - {name: %c, url: \"http://%s\", capacity: %d}\n", 'a'+i, address, capacities[i])
	}
	require.NoError(t, os.WriteFile(g.config, []byte(b.String()), 0o600))
}
