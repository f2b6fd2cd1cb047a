// The keeper: one server, from its start to its end.

package keeper

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	hasteTime = 5 * time.Second // at most, from SIGTERM to SIGKILL, when the gateway is gone: the next one wants the port and the memory
	crashTime = 2 * time.Second // the same for what a server has left that ended by itself
	killTime  = 5 * time.Second // for the kernel to end what was killed
	killAgain = 20 * time.Millisecond
)

// init makes a keeper of a program that was started as one, whatever program it is: a test must not run its tests again.
func init() {
	if os.Getenv(variable) == "" {
		return
	}
	runtime.LockOSThread() // of this thread the server is a child; when it ends the server is killed
	os.Exit(keep())
}

// keeper is a running one.
type keeper struct {
	plan Plan
	line *net.UnixConn
	hear *json.Decoder
	pid  int // of the server, and of its group

	asked chan time.Duration   // to end it; how long it may take
	ended chan unix.WaitStatus // of the server; holds it
	none  chan struct{}        // closed when no process is left
}

func keep() int {
	syscall.CloseOnExec(lineAt)
	line, err := lineOf(lineAt)
	if err != nil {
		return 1
	}
	k := &keeper{
		line: line, hear: json.NewDecoder(line), asked: make(chan time.Duration, 1), ended: make(chan unix.WaitStatus, 1), none: make(chan struct{}),
	}
	// Not ignored, which the server would inherit: only heard. An interrupt key and a closed terminal are for the gateway.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGHUP, syscall.SIGPIPE, syscall.SIGUSR2)
	stops := make(chan os.Signal, 1)
	signal.Notify(stops, syscall.SIGTERM)
	if err := k.hear.Decode(&k.plan); err != nil {
		return 1 // the gateway is gone, or has spoken of something else
	}
	out, written, err := k.start()
	if err != nil {
		k.tell(told{Ended: err.Error()})
		return 1
	}
	k.tell(told{Pid: k.pid}) // before all else: out may have a problem to tell
	go out.take(written)
	_, _ = os.FindProcess(os.Getpid()) // the first call starts a child to find out what the kernel knows: before reap waits for all
	go k.reap()
	go k.listen()
	go func() {
		<-stops
		k.ask(k.plan.StopTimeout)
	}()
	how := k.watch()
	out.finish()
	k.tell(told{Ended: how, Output: out.end(), Left: k.left()})
	return 0
}

// start starts the server. It returns also where to read what the server writes.
func (k *keeper) start() (*output, *os.File, error) {
	inheritOrphans()
	program, err := k.program()
	if err != nil {
		return nil, nil, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, nil, err
	}
	defer null.Close()
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer write.Close()
	k.pid, err = syscall.ForkExec(program, k.plan.Args, &syscall.ProcAttr{
		Dir: k.plan.Dir, Env: append(without(k.plan.Env, variable, markName), markName+"="+keeperMark(k.plan.Name)),
		Files: []uintptr{null.Fd(), write.Fd(), write.Fd()}, Sys: attributes(),
	})
	if err != nil {
		_ = read.Close()
		return nil, nil, fmt.Errorf("start %s: %w", k.plan.Args[0], err)
	}
	return newOutput(k.plan.Log, k.plan.LogBytes, func(problem string) { k.tell(told{Problem: problem}) }), read, nil
}

// program is the path of the server's program, by the PATH of its environment. A relative path starts at its folder.
func (k *keeper) program() (string, error) {
	for _, line := range k.plan.Env {
		if len(line) > 5 && line[:5] == "PATH=" {
			_ = os.Setenv("PATH", line[5:])
		}
	}
	if k.plan.Dir != "" {
		if err := os.Chdir(k.plan.Dir); err != nil {
			return "", fmt.Errorf("enter its folder: %w", err)
		}
		k.plan.Dir = ""
	}
	path, err := exec.LookPath(k.plan.Args[0])
	if err != nil {
		return "", fmt.Errorf("find its program: %w", err)
	}
	return path, nil
}

func (k *keeper) tell(t told) {
	_ = k.line.SetWriteDeadline(time.Now().Add(time.Second)) // a gateway that does not listen must not keep a server from ending
	_ = json.NewEncoder(k.line).Encode(t)
}

func (k *keeper) ask(within time.Duration) {
	select {
	case k.asked <- within:
	default: // it was asked for before
	}
}

// listen hears the gateway until it is gone.
func (k *keeper) listen() {
	for {
		var word string
		if err := k.hear.Decode(&word); err != nil {
			k.ask(min(k.plan.StopTimeout, hasteTime))
			return
		}
		if word == stopWord {
			k.ask(k.plan.StopTimeout)
		}
	}
}

// reap waits for all children: the server, and what it leaves behind.
func (k *keeper) reap() {
	defer close(k.none)
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case err == unix.EINTR:
		case err != nil: // ECHILD
			return
		case pid == k.pid:
			k.ended <- status
		}
	}
}

// watch waits for the end of the server, or brings it about, and says how it ended.
func (k *keeper) watch() (how string) {
	select {
	case status := <-k.ended:
		k.end(crashTime)
		return describe(status)
	case within := <-k.asked:
		k.end(within)
	}
	select {
	case status := <-k.ended:
		return describe(status) + ", as it was asked to"
	default:
		return "it cannot be killed"
	}
}

// end ends what is left: asks, and kills when the time is over.
func (k *keeper) end(within time.Duration) {
	k.signal(syscall.SIGTERM)
	late := time.NewTimer(within)
	defer late.Stop()
	again := time.NewTicker(killAgain)
	defer again.Stop()
	asked := map[process]bool{}
	for waiting := true; waiting; {
		select {
		case <-k.none:
			return
		case <-again.C:
			k.askOthers(asked)
		case <-late.C:
			waiting = false
		}
	}
	giveUp := time.After(killTime)
	for {
		k.signal(syscall.SIGKILL)
		select {
		case <-k.none:
			return
		case <-again.C:
		case <-giveUp:
			return
		}
	}
}

// askOthers asks each process outside the group once to end.
func (k *keeper) askOthers(asked map[process]bool) {
	for _, p := range descendants(os.Getpid()) {
		if !asked[p] && !p.inGroup(k.pid) {
			asked[p] = true
			p.signal(syscall.SIGTERM)
		}
	}
}

// signal sends to the group, and SIGKILL to all that have left it as well.
func (k *keeper) signal(s syscall.Signal) {
	_ = syscall.Kill(-k.pid, s)
	if s == syscall.SIGKILL {
		for _, p := range descendants(os.Getpid()) {
			p.signal(s)
		}
	}
}

// left is how many processes could not be ended.
func (k *keeper) left() int {
	select {
	case <-k.none:
		return 0
	default:
		return max(len(descendants(os.Getpid())), 1)
	}
}

func describe(s unix.WaitStatus) string {
	if s.Signaled() {
		return "signal: " + s.Signal().String()
	}
	return fmt.Sprintf("exit status %d", s.ExitStatus())
}
