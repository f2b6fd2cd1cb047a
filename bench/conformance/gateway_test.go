package conformance

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/bare"
)

// kind is a proxy that the suite can be run against.
type kind struct {
	name    string
	binary  string
	config  func(s settings, dir, listen, endpoint string) string
	args    func(file string) []string
	listens *regexp.Regexp // what its log says once it has a port, with its address; nil: nothing
}

var kinds = map[string]kind{
	"steelyard": {"steelyard", "", steelyardConfig, func(f string) []string { return []string{"serve", "--config", f} }, regexp.MustCompile(`"msg":"listening","address":"([^"]+)"`)},
	"nginx":     {"nginx", "nginx", nginxConfig, func(f string) []string { return []string{"-c", f} }, nil},
	"bare":      {"bare", os.Args[0], bareConfig, bare.Args, nil},
	"haproxy":   {"haproxy", "haproxy", haproxyConfig, func(f string) []string { return []string{"-db", "-f", f} }, nil},
}

// target is the proxy under test; TestMain sets it before any test runs.
var target kind

// nextPort hands out listening ports, to who needs one named, below the range that the kernel takes outgoing ports from, so that a
// port found free is still free when the gateway binds it.
var nextPort atomic.Int32

// gateway is one running process of the target.
type gateway struct {
	addr string
	cmd  *exec.Cmd
	log  tail
	gone chan struct{} // closed once the process has ended; by its waiter
}

// startGateway starts the target at one of the addresses that address gives.
func startGateway(dir string, s settings, endpoint string, address func() string) (*gateway, error) {
	var err error
	for range 5 { // another process may have taken the port between our look and the bind
		var g *gateway
		if g, err = launch(dir, s, endpoint, address()); err == nil {
			return g, nil
		}
	}
	return nil, err
}

func launch(dir string, s settings, endpoint, address string) (*gateway, error) {
	g := &gateway{addr: address, gone: make(chan struct{})}
	file := filepath.Join(dir, "config.yaml")
	text := target.config(s.withDefaults(), dir, g.addr, endpoint)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	g.cmd = exec.Command(target.binary, target.args(file)...)
	g.cmd.Stdout, g.cmd.Stderr = &g.log, &g.log
	g.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir} // STEELYARD_* would be configuration
	if err := g.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", target.name, err)
	}
	go func() { g.cmd.Wait(); close(g.gone) }()
	if err := g.awaitReady(); err != nil {
		g.kill()
		return nil, fmt.Errorf("start %s: %w\n%s", target.name, err, g.log.text())
	}
	return g, nil
}

// awaitReady returns once the process listens. That its address can be reached is not enough where its log tells more:
// whoever has taken the port before it, another suite's gateway for one, can be reached as well.
func (g *gateway) awaitReady() error {
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	for {
		if g.listens() {
			if conn, err := net.Dial("tcp4", g.addr); err == nil {
				return conn.Close()
			}
		}
		select {
		case <-again.C:
		case <-g.gone:
			return fmt.Errorf("it ended before it listened")
		case <-deadline.C:
			return fmt.Errorf("it does not listen on %s", g.addr)
		}
	}
}

// listens says whether the process may have its port, and notes which one that is.
func (g *gateway) listens() bool {
	if target.listens == nil {
		return true
	}
	told := target.listens.FindStringSubmatch(g.log.text())
	if told != nil {
		g.addr = told[1]
	}
	return told != nil
}

// kill ends the process at once and returns when its sockets are closed. alive tells whether it was still running.
func (g *gateway) kill() (alive bool) {
	select {
	case <-g.gone:
		return false
	default:
	}
	g.cmd.Process.Kill()
	<-g.gone
	return true
}

// freeAddress is one that nobody listens on. Who tells which port it has got takes any.
func freeAddress() string {
	if target.listens != nil {
		return "127.0.0.1:0"
	}
	const lowest, highest = 12000, 32000
	for {
		port := lowest + int(nextPort.Add(1))%(highest-lowest)
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		if ln, err := net.Listen("tcp4", addr); err == nil {
			ln.Close()
			return addr
		}
	}
}

// tail keeps the first few kilobytes of what a process says.
type tail struct {
	mu sync.Mutex
	b  strings.Builder
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.b.Len() < 4<<10 {
		t.b.Write(b)
	}
	return len(b), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}
