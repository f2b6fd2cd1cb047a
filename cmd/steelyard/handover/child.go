// The old program's side: starting the new one.

package handover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Socket is a listening socket for the new program.
type Socket struct {
	Address    string // as the configuration says it
	Descriptor int    // Start does not close it
	Foreign    bool   // its file is somebody else's
}

// Kept is another descriptor that the new program goes on with, such as the line to a server that runs.
type Kept struct {
	Note       string // what it is
	Descriptor int    // Start does not close it
}

// Plan is what is to be started.
type Plan struct {
	Path    string
	Args    []string // the first is the program's own name
	Env     []string
	Sockets []Socket
	Kept    []Kept
	Older   *Older // programs before this one; nil: none
	// Servers is told what servers the new program has, and those after it; nil: nobody wants to know.
	Servers func(Servers)
}

// Child is a new program.
type Child struct {
	Process *os.Process
	line    *line
	before  *Older        // programs before this one
	older   []*line       // those of them that the new program can hear
	ended   chan struct{} // closed when it has ended
	state   *os.ProcessState
	said    chan message // what it says; closed when the line is cut
	servers func(Servers)
}

// Start starts the new program.
func Start(p Plan) (*Child, error) {
	ours, theirs, err := pair()
	if err != nil {
		return nil, fmt.Errorf("make a line to the new program: %w", err)
	}
	defer func() { _ = unix.Close(theirs) }()
	m := manifest{}
	files := []uintptr{0, 1, 2, uintptr(theirs)}
	for _, s := range p.Sockets {
		m.Sockets = append(m.Sockets, socketNote{s.Address, s.Foreign})
		files = append(files, uintptr(s.Descriptor))
	}
	older, fds := p.Older.copies()
	for _, fd := range fds {
		defer func() { _ = unix.Close(fd) }()
		m.Older++
		files = append(files, uintptr(fd))
	}
	for _, k := range p.Kept {
		m.Kept = append(m.Kept, k.Note)
		files = append(files, uintptr(k.Descriptor))
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	env := append(without(p.Env, variable), variable+"="+string(text))
	// Not os.StartProcess: it wants files, and a file of a socket would be closed behind our back.
	pid, err := syscall.ForkExec(p.Path, p.Args, &syscall.ProcAttr{Env: env, Files: files})
	if err != nil {
		_ = ours.Close()
		return nil, fmt.Errorf("start %s: %w", p.Path, err)
	}
	c := &Child{line: ours, before: p.Older, older: older, ended: make(chan struct{}), said: make(chan message, 1), servers: p.Servers}
	c.Process, _ = os.FindProcess(pid) // on Unix it never fails
	go c.await()
	go c.listen()
	return c, nil
}

func without(env []string, name string) (rest []string) {
	for _, v := range env {
		if !strings.HasPrefix(v, name+"=") {
			rest = append(rest, v)
		}
	}
	return rest
}

func (c *Child) await() {
	c.state, _ = c.Process.Wait()
	close(c.ended)
}

func (c *Child) listen() {
	defer close(c.said)
	for {
		m, err := c.line.receive()
		if err != nil {
			return
		}
		if m.Kind != servers {
			c.said <- m
		} else if c.servers != nil {
			c.servers(m.Servers)
		}
	}
}

// Ended is closed when the new program has ended.
func (c *Child) Ended() <-chan struct{} { return c.ended }

// Ready waits until the new program could serve. Its context says for how long.
func (c *Child) Ready(ctx context.Context) error { return c.hear(ctx, ready) }

// Serve lets the new program serve, and waits until it does.
func (c *Child) Serve(ctx context.Context, s Serve) error {
	s.Older = c.before.loadsOf(c.older)
	if err := c.line.send(message{Kind: serve, Serve: &s}); err != nil {
		return fmt.Errorf("speak to the new program: %w", err)
	}
	return c.hear(ctx, serving)
}

func (c *Child) hear(ctx context.Context, kind string) error {
	select {
	case m, open := <-c.said:
		switch {
		case !open:
			return c.gone()
		case m.Kind != kind:
			return fmt.Errorf("the new program said %q and should have said %q", m.Kind, kind)
		}
		return nil
	case <-c.ended:
		return c.gone()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// gone is why the new program speaks no more. Its line is cut a moment before it has ended.
func (c *Child) gone() error {
	select {
	case <-c.ended:
		return fmt.Errorf("the new program ended: %v; what it wrote to standard error says why", c.state)
	case <-time.After(killTime):
		return errors.New("the new program speaks no more")
	}
}

// Kill ends the new program and waits for its end.
func (c *Child) Kill() {
	_ = c.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.ended:
	case <-time.After(killTime):
		_ = c.Process.Kill()
		<-c.ended
	}
	_ = c.line.Close()
}

// killTime is how long a program that must not go on gets to end by itself.
const killTime = 2 * time.Second

// State and servers are told when it has changed, and now and then if not: who reads may be another
// program by then, one that has not heard it before.
const (
	tellEvery = 50 * time.Millisecond
	tellAgain = time.Second
)

// Tell tells the new program, and those after it, what we still have to do until ctx ends or nobody listens.
func (c *Child) Tell(ctx context.Context, of func() State) {
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	var last State
	var at time.Time
	for {
		now := of()
		if !maps.Equal(now.Load, last.Load) || !maps.Equal(now.Waiting, last.Waiting) || time.Since(at) > tellAgain {
			switch err := c.line.send(message{Kind: load, State: now}); {
			case err == nil:
				last, at = now, time.Now()
			case !errors.Is(err, os.ErrDeadlineExceeded):
				return
			}
		}
		select {
		case <-ctx.Done():
			_ = c.line.Close()
			return
		case <-tick.C:
		}
	}
}
