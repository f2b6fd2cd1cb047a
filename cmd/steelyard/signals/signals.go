// The signals that stop and reload the process.

package signals

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// exitNow is the exit code of a process that is told to stop a second time.
const exitNow = 1

var (
	hangups  = make(chan os.Signal, 1) // SIGHUP; a waiting one stands for all that came since
	upgrades = make(chan os.Signal, 1) // SIGUSR2, likewise
	stops    = make(chan os.Signal, 2) // SIGTERM and SIGINT; a third makes no difference
)

func init() {
	signal.Notify(hangups, syscall.SIGHUP)
	signal.Notify(upgrades, syscall.SIGUSR2)
	signal.Notify(stops, syscall.SIGTERM, syscall.SIGINT)
}

// Context returns the one context that ends at the first SIGTERM or SIGINT, even if that came
// before the call. The second one ends the process at once.
var Context = sync.OnceValue(func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-stops
		cancel()
		<-stops
		os.Exit(exitNow)
	}()
	return ctx
})

// Hangups receives each SIGHUP; while one waits to be received, further ones are left out.
func Hangups() <-chan os.Signal { return hangups }

// Upgrades receives each SIGUSR2; while one waits to be received, further ones are left out.
func Upgrades() <-chan os.Signal { return upgrades }

// OthersEnd lets SIGHUP and SIGUSR2 end the process, as by default. One that came before ends it now.
func OthersEnd() {
	end(syscall.SIGHUP, hangups)
	end(syscall.SIGUSR2, upgrades)
}

func end(s syscall.Signal, came <-chan os.Signal) {
	signal.Reset(s)
	select {
	case <-came:
		_ = syscall.Kill(os.Getpid(), s)
	default:
	}
}

// IgnoreBrokenPipes makes writes to standard output or error fail when nobody reads them any
// more. By default Go ends the process then, which suits a filter in a pipeline, but not a
// server whose log reader was restarted.
func IgnoreBrokenPipes() { signal.Ignore(syscall.SIGPIPE) }
