// Handing over to a new program at SIGUSR2.

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/handover"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/signals"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/systemd"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// readyTime is how long a new program may take to be ready, besides one probe.
const readyTime = time.Minute

// upgrader hands over to a new program, one at a time.
type upgrader struct {
	ctx      context.Context // ends when the process is told to stop
	app      *app.App
	reloader *reloader
	notify   *systemd.Notifier
	log      *zap.Logger
	path     string          // of the program, as it was started
	yield    func()          // ends what only the serving process does
	older    *handover.Older // nil: none; written before the process serves

	running sync.WaitGroup
	mu      sync.Mutex
	state   upgradeState // guarded by mu
	over    bool         // no upgrade begins any more; guarded by mu
}

type upgradeState int

const (
	notReady  upgradeState = iota // the process does not serve yet
	serving                       // and could be replaced
	upgrading                     // a new program has been started
	replaced                      // it serves
)

// programPath is the path of this program, as it was started: links in it are not followed, so that
// whoever moves one gets what it then leads to.
func programPath() string {
	path, err := exec.LookPath(os.Args[0])
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		path, _ = os.Executable()
	}
	return path
}

// onSignal begins an upgrade at each SIGUSR2, or says why not.
func (u *upgrader) onSignal() {
	for range signals.Upgrades() {
		if err := u.begin(); err != nil {
			u.log.Warn("SIGUSR2 is refused", zap.Error(err))
		}
	}
}

// The reasons to refuse.
var (
	errFirst    = errors.New("this is process 1 of its container, which would end with it: start another container, and then stop this one (a rolling update)")
	errEarly    = errors.New("this process does not serve yet")
	errOne      = errors.New("an upgrade is under way")
	errReplaced = errors.New("another process has replaced this one: send the signal there")
)

func (u *upgrader) begin() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.over || u.ctx.Err() != nil:
		return errStopping
	case os.Getpid() == 1:
		return errFirst
	case u.state == notReady:
		return errEarly
	case u.state == upgrading:
		return errOne
	case u.state == replaced:
		return errReplaced
	}
	u.state = upgrading
	u.running.Go(u.upgrade)
	return nil
}

func (u *upgrader) become(state upgradeState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.state = state
}

// served says that the process serves now, after the programs before it.
func (u *upgrader) served(older *handover.Older) {
	u.older = older
	u.become(serving)
}

// end waits until no upgrade is under way: a new program that is not to serve must have ended, or it would
// serve when this one has.
func (u *upgrader) end() {
	u.mu.Lock()
	u.over = true
	u.mu.Unlock()
	u.running.Wait()
}

func (u *upgrader) isReplaced() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.state == replaced
}

// upgrade starts the program anew and lets it take over. If that fails nothing has changed.
func (u *upgrader) upgrade() {
	u.app.Events().Publish(event.Event{Kind: event.UpgradeBegun, Cause: "SIGUSR2", Evidence: map[string]any{"program": u.path}})
	u.app.OwnFiles(false)
	child, err := u.replace()
	if err != nil {
		u.app.OwnFiles(true)
		u.become(serving)
		action := "this process serves on"
		if u.ctx.Err() != nil {
			err, action = errStopping, "this process stops too"
		}
		u.app.Events().Publish(event.Event{Kind: event.UpgradeFailed, Cause: err.Error(), Action: action})
		return
	}
	u.become(replaced)
	u.log.Info("another process serves now: this one ends with its last request", zap.Int("pid", child.Process.Pid))
	if err := u.notify.Follow(child.Process.Pid); err != nil {
		u.log.Warn("systemd was not told of the new process", zap.Error(err))
	}
	u.yield()
	u.older.Leave()
	go child.Tell(context.Background(), u.rest) // until the process ends
	u.app.HandOver()
}

// replace starts the new program and returns when it serves, or kills it.
func (u *upgrader) replace() (child *handover.Child, err error) {
	sockets, takeBack, err := u.app.Sockets()
	defer takeBack()
	if err != nil {
		return nil, err
	}
	plan := handover.Plan{Path: u.path, Args: os.Args, Env: os.Environ(), Older: u.older, Servers: u.servers}
	for _, s := range sockets {
		plan.Sockets = append(plan.Sockets, handover.Socket(s))
	}
	servers, keep := u.app.Keep()
	defer func() {
		for _, k := range servers {
			_ = syscall.Close(k.Descriptor)
		}
		if err != nil {
			keep()
		}
	}()
	for _, k := range servers {
		plan.Kept = append(plan.Kept, handover.Kept(k))
	}
	reloads := u.reloader.count()
	child, err = handover.Start(plan)
	if err != nil {
		return nil, err
	}
	u.log.Info("a new process has been started", zap.Int("pid", child.Process.Pid), zap.String("program", u.path))
	if err = u.persuade(child, reloads); err != nil {
		child.Kill()
		return nil, err
	}
	return child, nil
}

// persuade waits until the new program is ready, and lets it serve.
func (u *upgrader) persuade(child *handover.Child, reloads int) error {
	patience := readyTime + longestProbe(u.app.Config())
	ctx, cancel := context.WithTimeoutCause(u.ctx, patience, fmt.Errorf("the new program was not ready within %s", patience))
	defer cancel()
	if err := child.Ready(ctx); err != nil {
		return err
	}
	s := handover.Serve{State: u.rest(), Paused: u.app.Paused(), Reload: u.reloader.count() != reloads}
	for _, d := range u.app.Drains() {
		s.Drains = append(s.Drains, handover.Drain(d))
	}
	return child.Serve(ctx, s)
}

// rest is what this program still has to do.
func (u *upgrader) rest() handover.State {
	return handover.State{Load: u.app.Own(), Waiting: u.app.Waiting()}
}

// servers hears what servers the program has that replaces this one.
func (u *upgrader) servers(all handover.Servers) {
	by := map[string][]app.Started{}
	for upstream, list := range all {
		by[upstream] = []app.Started{}
		for _, s := range list {
			by[upstream] = append(by[upstream], app.Started(s))
		}
	}
	u.app.StartedElsewhere(by)
}

// longestProbe is how long the first probes may take.
func longestProbe(cfg *configs.Config) (longest time.Duration) {
	for _, u := range cfg.Upstreams {
		longest = max(longest, u.Health.Timeout)
	}
	return longest
}
