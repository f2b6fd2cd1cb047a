//go:build linux

package contender

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	startLimit = 10 * time.Second
	stopLimit  = 2 * time.Second
)

// Process is a running contender.
type Process struct {
	Name string
	Addr netip.AddrPort

	cmd    *exec.Cmd
	said   *tail
	exited chan struct{} // closed by the goroutine that waits for the program
}

// Start writes the configuration, starts the program and returns once it accepts connections.
func (k Kind) Start(ctx context.Context, s Setting) (*Process, error) {
	var err error
	if s.Listen, err = freeAddr(); err != nil {
		return nil, err
	}
	if s.Admin, err = freeAddr(); err != nil {
		return nil, err
	}
	s.Policy = k.policy
	text, err := s.render(k.config)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(s.Dir, k.fileName)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return nil, fmt.Errorf("write configuration of %s: %w", k.Name, err)
	}
	p := &Process{Name: k.Name, Addr: s.Listen, said: &tail{}, exited: make(chan struct{})}
	p.cmd = exec.Command(k.Path, k.args(file)...)
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	// A session, so that Stop reaches nginx's worker; TERM on our death, because a killed master would leave it behind.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM}
	if err := startOn(s.Core, p.cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", k.Name, err)
	}
	prefer(p.cmd.Process.Pid, niceness)
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait() // how it ended is asked of ProcessState
	}()
	if err := p.ready(ctx); err != nil {
		p.Stop()
		return nil, fmt.Errorf("start %s: %w\n%s", k.Name, err, p.said)
	}
	return p, nil
}

// ready polls until the listener accepts.
func (p *Process) ready(ctx context.Context) error {
	for end := time.Now().Add(startLimit); time.Now().Before(end); {
		conn, err := net.DialTimeout("tcp", p.Addr.String(), time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.exited:
			return fmt.Errorf("it ended: %v", p.cmd.ProcessState)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("not listening on %v after %v", p.Addr, startLimit)
}

// Stop kills the contender and all its processes, and returns when the program is gone. Safe to call twice.
func (p *Process) Stop() {
	kill := func(signal syscall.Signal) { _ = syscall.Kill(-p.cmd.Process.Pid, signal) } // gone already: fine
	kill(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(stopLimit):
	}
	kill(syscall.SIGKILL)
	<-p.exited
}

// Said is the end of what the program wrote to its output, for error messages.
func (p *Process) Said() string { return p.said.String() }

// freeAddr is a port of 127.0.0.1 that was free a moment ago.
func freeAddr() (netip.AddrPort, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("find a free port: %w", err)
	}
	addr, err := netip.ParseAddrPort(l.Addr().String())
	return addr, errors.Join(err, l.Close())
}

// tail keeps the last few kilobytes written to it. The mutex is taken by the goroutine that copies the program's
// output and by readers.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	const keep = 4 << 10
	t.text = append(t.text, p...)
	if over := len(t.text) - keep; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.text))
}
