// The comparison: which parts run, on which cores.

package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
	"github.com/steelyard-proxy/steelyard/bench/overhead/wire"
	"github.com/steelyard-proxy/steelyard/bench/peers"
)

const (
	proxyCore  = 0
	clientCore = 1
)

// lab is what the parts of a run share.
type lab struct {
	Options
	report     *Report
	contenders []contender
	dir        string
	loop       *wire.Loop
	up         *wire.Upstream
}

// compare runs the wanted parts and adds their samples to the report, which is good as far as it goes when it errs.
func compare(ctx context.Context, o Options, report *Report) error {
	if runtime.NumCPU() <= clientCore {
		return fmt.Errorf("compare proxies: this machine lets us use %d core, two are needed", runtime.NumCPU())
	}
	dir, err := os.MkdirTemp("", "overhead-")
	if err != nil {
		return fmt.Errorf("make temporary folder: %w", err)
	}
	defer os.RemoveAll(dir)
	l := &lab{Options: o, report: report, dir: dir}
	if l.loop, err = wire.NewLoop(); err != nil {
		return err
	}
	defer l.loop.Close()
	if l.up, err = l.loop.Serve(len(weights)); err != nil {
		return err
	}
	if err := l.find(ctx); err != nil {
		return err
	}
	describe(report, l.contenders)
	l.raiseFileLimit()
	if err := peers.PinSelf(clientCore); err != nil {
		return err
	}
	defer peers.PreferSelf(0)()
	defer l.settleCores()()
	runtime.GOMAXPROCS(2) // the loop's thread holds one processor even while it waits
	before := stolen()
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{{"unary", l.unary}, {"stream", l.stream}, {"memory", l.memory}, {policies, l.policies}} {
		if !o.wants(part.name) {
			continue
		}
		if err := part.run(ctx); err != nil {
			return fmt.Errorf("measure %s: %w", part.name, err)
		}
	}
	report.Stolen = stolen() - before
	return nil
}

// settleCores decides what an idle core does, and says so in the report.
func (l *lab) settleCores() (undo func()) {
	if !l.Halt {
		release, err := alarm.KeepAwake()
		if err == nil {
			l.report.Idle = "idle cores poll"
			return release
		}
		l.report.note("%v", err)
	}
	l.report.Idle = "idle cores halt"
	return func() {}
}

// raiseFileLimit makes room for the idle connections, here and in the proxies, which inherit it; or measures fewer.
func (l *lab) raiseFileLimit() {
	const reserve = 500
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return
	}
	want := uint64(max(l.Idle, 2*l.Silent) + reserve)
	if wish := (syscall.Rlimit{Cur: want, Max: max(want, limit.Max)}); limit.Cur < want && syscall.Setrlimit(syscall.RLIMIT_NOFILE, &wish) == nil {
		limit.Cur = want
	}
	if limit.Cur < want {
		room := max(2, int(limit.Cur)-reserve)
		l.Idle, l.Silent = min(l.Idle, room), min(l.Silent, room/2)
		l.report.note("The limit of %d open files cannot be raised here: memory was read at %d streams and %d idle connections.",
			limit.Cur, l.Silent, l.Idle)
	}
	l.report.Options = l.Options
}

// measure runs one measurement and adds its sample, with the error that made it void, if any. It errs only when the
// whole run is over.
func (l *lab) measure(ctx context.Context, t target, scenario string, round int, load load) error {
	s := Sample{Scenario: scenario, Target: t.name, Round: round}
	err := load(ctx, l, t, &s)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		s.Error = err.Error()
	}
	l.report.Samples = append(l.report.Samples, s)
	fmt.Fprintln(os.Stderr, s)
	return nil
}

// load puts work on a target and fills in what it measured.
type load func(ctx context.Context, l *lab, t target, s *Sample) error
