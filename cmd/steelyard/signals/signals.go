package signals

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// exitNow is the exit code of a process that is told a second time to stop.
const exitNow = 1

var (
	hangups = make(chan os.Signal, 1) // SIGHUP; one that waits stands for all that came since
	stops   = make(chan os.Signal, 2) // SIGTERM and SIGINT; the third cannot matter
)

func init() {
	signal.Notify(hangups, syscall.SIGHUP)
	signal.Notify(stops, syscall.SIGTERM, syscall.SIGINT)
}

// Context ends at the first SIGTERM or SIGINT, even one that came before the call. A second
// one ends the process at once. Each call returns the same context.
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

// Hangups tells of each SIGHUP, but of those that come while one waits to be taken only once.
func Hangups() <-chan os.Signal { return hangups }

// HangupsEnd lets SIGHUP end the process, as it does where nobody asks for it. One that came
// before ends it now.
func HangupsEnd() {
	signal.Reset(syscall.SIGHUP)
	select {
	case <-hangups:
		_ = syscall.Kill(os.Getpid(), syscall.SIGHUP)
	default:
	}
}

// IgnoreBrokenPipes makes a write to a standard output or error that nobody reads any more
// fail. Go ends the process there, as suits a filter in a pipeline, but not a server whose
// log's reader was restarted.
func IgnoreBrokenPipes() { signal.Ignore(syscall.SIGPIPE) }
