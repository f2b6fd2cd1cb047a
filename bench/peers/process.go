// A program that runs: its start, its output and its end.

package peers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	startLimit = 15 * time.Second
	startTries = 3
	inUse      = "in use" // what all the programs say of an address that somebody else has
	stopLimit  = 3 * time.Second
	pollEvery  = 20 * time.Millisecond
)

// Process is a running contender.
type Process struct {
	Name  string
	Addr  string // host:port it listens on
	Admin string // and where its operator asks; steelyard's
	File  string // its configuration
	Plan  Plan   // what it was started by, with the addresses that were chosen

	cmd    *exec.Cmd
	said   *tail
	exited chan struct{} // closed by the goroutine that waits for the program
}

// Start runs the program as the plan says, on ports that are free, and returns once it accepts connections. The process
// outlives ctx: only Stop ends it. Where somebody takes a port before the program does, it is started once more on others.
func (p Program) Start(ctx context.Context, plan Plan) (process *Process, err error) {
	for range startTries {
		if process, err = p.start(ctx, plan); err == nil || !strings.Contains(strings.ToLower(err.Error()), inUse) {
			break
		}
	}
	return process, err
}

// start is one try of Start.
func (p Program) start(ctx context.Context, plan Plan) (*Process, error) {
	var err error
	if plan.Listen, plan.Admin, err = freeAddresses(); err != nil {
		return nil, err
	}
	text, err := p.Config(plan)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(plan.Dir, p.fileName)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write configuration of %s: %w", p.Name, err)
	}
	process := &Process{Name: p.Name, Addr: plan.Listen, Admin: plan.Admin, File: file, Plan: plan, said: &tail{}, exited: make(chan struct{})}
	process.cmd = exec.Command(p.Path, p.args(file)...)
	if plan.Master && p.Name == HAProxy {
		process.cmd.Args = slices.Insert(process.cmd.Args, 1, "-W")
	}
	process.cmd.Stdout, process.cmd.Stderr = process.said, process.said
	// Settings of the user's own gateway are none of the bench's.
	process.cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "STEELYARD_") })
	process.cmd.SysProcAttr = ownSession()
	begin := plan.Begin
	if begin == nil {
		begin = startPreferred
	}
	if err := begin(process.cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.Name, err)
	}
	go func() {
		defer close(process.exited)
		_ = process.cmd.Wait() // how it ended is asked of ProcessState
	}()
	if err := process.ready(ctx); err != nil {
		process.Stop()
		return nil, fmt.Errorf("start %s: %w\n%s", p.Name, err, process.said)
	}
	return process, nil
}

func startPreferred(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	preferChild(cmd.Process.Pid)
	return nil
}

// ready polls until the listener accepts.
func (p *Process) ready(ctx context.Context) error {
	for end := time.Now().Add(startLimit); time.Now().Before(end); {
		conn, err := net.DialTimeout("tcp", p.Addr, time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.exited:
			return fmt.Errorf("it ended: %v", p.cmd.ProcessState)
		case <-time.After(pollEvery):
		}
	}
	return fmt.Errorf("not listening on %s after %v", p.Addr, startLimit)
}

// Stop ends the contender with all its processes, and returns when it is gone. Safe to call twice.
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

// Ended returns an error if the program has ended by itself, with the end of what it said.
func (p *Process) Ended() error {
	select {
	case <-p.exited:
		return fmt.Errorf("%s ended during the run: %v\n%s", p.Name, p.cmd.ProcessState, p.said)
	default:
		return nil
	}
}

// PID is the program's; what it starts has others.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// freeAddresses are two ports of 127.0.0.1 that were free a moment ago.
func freeAddresses() (listen, admin string, err error) {
	a, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", "", fmt.Errorf("find a free port: %w", err)
	}
	b, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", "", errors.Join(fmt.Errorf("find a free port: %w", err), a.Close())
	}
	return a.Addr().String(), b.Addr().String(), errors.Join(a.Close(), b.Close())
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
