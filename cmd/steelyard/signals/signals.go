// The signals that stop and reload the process.

package signals

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
)

// exitNow is the exit code of a process that is told to stop a second time.
const exitNow = 1

var (
	hangups  = make(chan os.Signal, 1) // SIGHUP; a waiting one stands for all that came since
	upgrades = make(chan os.Signal, 1) // SIGUSR2, likewise
	stops    = make(chan os.Signal, 2) // SIGTERM and SIGINT; a third makes no difference

	first atomic.Value           // the os.Signal that ended the context
	later atomic.Pointer[stream] // where further ones go; nil: they end the process
)

type stream chan os.Signal

func init() {
	signal.Notify(hangups, syscall.SIGHUP)
	signal.Notify(upgrades, syscall.SIGUSR2)
	signal.Notify(stops, syscall.SIGTERM, syscall.SIGINT)
}

// Context returns the one context that ends at the first SIGTERM or SIGINT, even if that came
// before the call. The second one ends the process at once, unless somebody asked for Later.
var Context = sync.OnceValue(func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		first.Store(<-stops)
		cancel()
		for s := range stops {
			to := later.Load()
			if to == nil {
				os.Exit(exitNow)
			}
			select {
			case *to <- s:
			default: // nobody has heard the last ones yet
			}
		}
	}()
	return ctx
})

// First is the signal that ended the context; nil while it has not ended.
func First() os.Signal {
	s, _ := first.Load().(os.Signal)
	return s
}

// Later receives the signals to stop that come after the first one. From the first call on they do not end the process.
func Later() <-chan os.Signal {
	to := make(stream, 2)
	if !later.CompareAndSwap(nil, &to) {
		to = *later.Load()
	}
	return to
}

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
