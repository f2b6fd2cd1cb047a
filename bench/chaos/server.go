// The simulated servers, in this process or in one of their own, and their visits.

package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
	"github.com/steelyard-proxy/steelyard/bench/backend"
	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/load"
)

// server is one of the six, in this process or in one of its own.
type server struct {
	name    string
	addr    string
	inside  *backend.Server // nil: it is a process
	command []string
	child   *exec.Cmd // running now; nil: none. Owned by the goroutine that drives the fault, and by the stand before and after
	leash   io.Closer // the child ends when it is closed
}

// flags of the command that runs Serve.
func (sh shape) flags(name, addr string) []string {
	return []string{"--name", name, "--address", addr, "--slots", strconv.Itoa(sh.slots),
		"--capacity", strconv.FormatFloat(sh.capacity(), 'g', -1, 64), "--tokens", strconv.Itoa(sh.tokens)}
}

func (sh shape) options(name, addr string) backend.Options {
	return backend.Options{Name: name, Address: addr, UnitTokens: sh.tokens, Engine: engine.Options{Capacity: sh.capacity(), Slots: sh.slots}}
}

// suffer switches a fault on, or off by None.
func (s *server) suffer(kind backend.Fault) error { return s.inside.SetFault(kind, 0) }

// start runs the server as a process, and returns when it accepts connections.
func (s *server) start(ctx context.Context) error {
	s.child = exec.Command(s.command[0], s.command[1:]...)
	s.child.Stderr = os.Stderr
	leash, err := s.child.StdinPipe()
	if err != nil {
		return fmt.Errorf("start server %s: %w", s.name, err)
	}
	s.leash = leash
	if err := s.child.Start(); err != nil {
		return fmt.Errorf("start server %s: %w", s.name, err)
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if conn, err := net.DialTimeout("tcp", s.addr, time.Second); err == nil {
			return conn.Close()
		}
		if err := alarm.Pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("start server %s: not listening on %s", s.name, s.addr)
}

// kill ends the process at once, and returns when it is gone.
func (s *server) kill() {
	if s.child == nil {
		return
	}
	_ = s.child.Process.Kill() // it has ended already: fine
	_ = s.child.Wait()         // says that it was killed
	_ = s.leash.Close()
	s.child = nil
}

// counts are what the server has seen; of a dead process it has seen nothing.
func (s *server) counts(ctx context.Context) (c backend.Counts) {
	if s.inside != nil {
		return s.inside.Counts()
	}
	_ = ask(ctx, s.addr, "/stats", &c)
	return c
}

// Serve runs one simulated server until its standard input ends, as that of a child does with its parent.
func Serve(ctx context.Context, o backend.Options, in io.Reader) error {
	s, err := backend.New(o)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	go func() {
		_, _ = io.Copy(io.Discard, in)
		end()
	}()
	return s.Run(ctx)
}

// freeAddress is one that nobody listens on, below the range from which the kernel takes outgoing ports: what was free stays
// so while its owner is dead.
func freeAddress() (string, error) {
	for range 1000 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(20000+rand.IntN(12000)))
		if ln, err := net.Listen("tcp", addr); err == nil {
			return addr, ln.Close()
		}
	}
	return "", errors.New("find a free port: there is none from 20000 to 32000")
}

// visit is one attempt at a server, as the server saw it.
type visit struct {
	server int
	id     string // of the request
	came   time.Time
	ended  time.Time // zero: it has not
	how    backend.Ending
}

// visits are all of a trial.
type visits struct {
	mu  sync.Mutex
	all []visit // under mu; written by the handlers of the servers
}

// at is the hook of one server.
func (v *visits) at(server int) func(*http.Request) func(backend.Ending) {
	return func(r *http.Request) func(backend.Ending) {
		v.mu.Lock()
		defer v.mu.Unlock()
		n := len(v.all)
		v.all = append(v.all, visit{server: server, id: r.Header.Get(load.NumberHeader), came: time.Now()})
		return func(how backend.Ending) {
			v.mu.Lock()
			defer v.mu.Unlock()
			v.all[n].ended, v.all[n].how = time.Now(), how
		}
	}
}

// taken is what there is, and stays as it is.
func (v *visits) taken() []visit {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]visit(nil), v.all...)
}
