// The gateway's side: starting a keeper and hearing of its server.

package keeper

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// startTime bounds how long a keeper may take to say how the start went. It has a program to load and one to start, on a
// machine that may be busy.
const startTime = 30 * time.Second

// Ending is how a server ended.
type Ending struct {
	How    string // in words, such as "exit status 1"
	Output string // the end of what it wrote
	Left   int    // processes of it that could not be ended
	Told   bool   // by its keeper; else the keeper is gone without a word
}

// Kept is a server that a keeper keeps.
type Kept struct {
	line    *net.UnixConn
	pid     int // of the server; 0: not known
	problem atomic.Pointer[string]
	ended   chan struct{} // closed when the keeper is gone
	how     Ending        // read after ended
	stop    sync.Once
}

// Start starts a server under a new keeper. It returns when the server runs, or could not be started.
func Start(p Plan) (*Kept, error) {
	program, err := ownProgram()
	if err != nil {
		return nil, err
	}
	ours, theirs, err := pair()
	if err != nil {
		return nil, err
	}
	defer func() { _ = theirs.Close() }()
	cmd := &exec.Cmd{
		Path: program, Args: []string{"steelyard", "keeper of", p.Name},
		Env:         append(without(os.Environ(), variable, markName), variable+"="+gatewayMark(p.Name)),
		ExtraFiles:  []*os.File{theirs},
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true}, // an interrupt key is for the gateway
	}
	if err := cmd.Start(); err != nil {
		_ = ours.Close()
		return nil, fmt.Errorf("start a keeper: %w", err)
	}
	go func() { _ = cmd.Wait() }() // how it ended its line says
	k := &Kept{line: ours, ended: make(chan struct{})}
	if err := k.begin(p); err != nil {
		_ = ours.Close() // ends the keeper, where there still is one
		return nil, err
	}
	return k, nil
}

// begin tells the keeper its plan and waits for the start of the server.
func (k *Kept) begin(p Plan) error {
	_ = k.line.SetDeadline(time.Now().Add(startTime))
	if err := json.NewEncoder(k.line).Encode(p); err != nil {
		return fmt.Errorf("speak to the keeper: %w", err)
	}
	hear := json.NewDecoder(k.line)
	var first told
	if err := hear.Decode(&first); err != nil {
		return fmt.Errorf("hear the keeper: %w", err)
	}
	if first.Pid == 0 {
		return errors.New(first.Ended)
	}
	_ = k.line.SetDeadline(time.Time{})
	k.pid = first.Pid
	go k.hear(hear)
	return nil
}

// Take goes on with a server that an earlier program has started, by a descriptor of its line, which it takes over.
func Take(fd, pid int) (*Kept, error) {
	line, err := lineOf(fd)
	if err != nil {
		return nil, err
	}
	k := &Kept{line: line, pid: pid, ended: make(chan struct{})}
	go k.hear(json.NewDecoder(line))
	return k, nil
}

// hear listens until the keeper is gone.
func (k *Kept) hear(from *json.Decoder) {
	defer close(k.ended)
	defer k.line.Close()
	k.how.How = "its keeper is gone"
	for {
		var t told
		if err := from.Decode(&t); err != nil {
			return
		}
		if t.Problem != "" {
			k.problem.Store(&t.Problem)
		}
		if t.Ended != "" {
			k.how = Ending{How: t.Ended, Output: t.Output, Left: t.Left, Told: true}
		}
	}
}

// Pid is the server's.
func (k *Kept) Pid() int { return k.pid }

// Problem is what is wrong with its log; "": nothing.
func (k *Kept) Problem() string {
	if p := k.problem.Load(); p != nil {
		return *p
	}
	return ""
}

// Ended is closed when the server, what it has started and its keeper have ended.
func (k *Kept) Ended() <-chan struct{} { return k.ended }

// How says how it ended. Call it after Ended.
func (k *Kept) How() Ending { return k.how }

// Stop asks for the end: SIGTERM, and SIGKILL when its time is over.
func (k *Kept) Stop() {
	k.stop.Do(func() {
		_ = k.line.SetWriteDeadline(time.Now().Add(time.Second))
		if _, err := k.line.Write([]byte(strconv.Quote(stopWord) + "\n")); err != nil {
			_ = k.line.CloseWrite() // asks for the same
		}
	})
}

// Copy is a descriptor of the line for another program.
func (k *Kept) Copy() (fd int, err error) {
	raw, err := k.line.SyscallConn()
	if err != nil {
		return -1, err
	}
	controlErr := raw.Control(func(own uintptr) { fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) })
	if controlErr != nil {
		err = controlErr
	}
	return fd, err
}

// Leave lets another program go on with the server, which has a copy of the line.
func (k *Kept) Leave() { _ = k.line.Close() }

// without is an environment without some variables.
func without(env []string, names ...string) (rest []string) {
	for _, line := range env {
		name, _, _ := strings.Cut(line, "=")
		keep := true
		for _, n := range names {
			keep = keep && name != n
		}
		if keep {
			rest = append(rest, line)
		}
	}
	return rest
}
