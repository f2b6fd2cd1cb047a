package e2e

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// within is how long a condition may take to come true. It is no measure of speed: only what hangs meets it.
const within = 2 * time.Minute

// process is a child with what it has said.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended; by its waiter
	out  *transcript   // of standard output
	err  *transcript   // of standard error
}

// transcript collects what a process writes.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer // under mu; written by the process's copier
}

func (s *transcript) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// start runs a program until the test ends. It gets no environment of ours but the path: STEELYARD_* would be
// configuration.
func start(t *testing.T, env []string, name string, args ...string) *process {
	t.Helper()
	said := &transcript{}
	p := startTo(t, said, env, name, args...)
	p.err = said
	return p
}

// startTo is start with a standard error of the test's own, which is passed on as it is where it is a file.
func startTo(t *testing.T, stderr io.Writer, env []string, name string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(name, args...), done: make(chan struct{}), out: &transcript{}, err: &transcript{}}
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, stderr
	require.NoError(t, p.cmd.Start())
	go func() { _ = p.cmd.Wait(); close(p.done) }()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		if t.Failed() {
			t.Logf("%s %v said:\n%s%s", filepath.Base(name), args, p.out, p.err)
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

// kill ends the process without a chance to say goodbye, and returns when its sockets are closed.
func (p *process) kill(t *testing.T) {
	t.Helper()
	p.signal(t, syscall.SIGKILL)
	p.exits(t)
}

// lastPort is the one that freeAddress has found last. It begins anywhere, since other suites look for ports here, too.
var lastPort atomic.Int64

func init() { lastPort.Store(rand.Int64N(12000)) }

// freeAddress is an address that nobody listens on, below the range that the kernel takes outgoing ports from: what
// was free stays free until it is bound, and while its owner is dead. None is given twice.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 1000 {
		address := net.JoinHostPort("127.0.0.1", strconv.FormatInt(20000+lastPort.Add(1)%12000, 10))
		if ln, err := net.Listen("tcp", address); err == nil {
			require.NoError(t, ln.Close())
			return address
		}
	}
	require.Fail(t, "no free port")
	return ""
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, within, 10*time.Millisecond, what)
}
