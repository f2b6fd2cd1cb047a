package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
	"github.com/steelyard-proxy/steelyard/bench/overhead/contender"
	"github.com/steelyard-proxy/steelyard/bench/overhead/wire"
)

const (
	proxyCore  = 0
	clientCore = 1
)

// lab is what the parts of a run share.
type lab struct {
	Options
	report *Report
	kinds  []contender.Kind
	dir    string
	loop   *wire.Loop
	up     *wire.Upstream
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
	if err := l.findKinds(ctx); err != nil {
		return err
	}
	describe(report, l.kinds)
	l.raiseFileLimit()
	if err := contender.PinSelf(clientCore); err != nil {
		return err
	}
	defer contender.PreferSelf()()
	defer l.settleCores()()
	runtime.GOMAXPROCS(2) // the loop's thread holds one processor even while it waits
	if l.loop, err = wire.NewLoop(); err != nil {
		return err
	}
	defer l.loop.Close()
	if l.up, err = l.loop.Serve(len(contender.Weights)); err != nil {
		return err
	}
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

// findKinds goes on without a proxy that is not to be had, as long as there is one.
func (l *lab) findKinds(ctx context.Context) error {
	steelyard := l.Steelyard
	if steelyard == "" && slices.Contains(l.Proxies, "steelyard") {
		steelyard = filepath.Join(l.dir, "steelyard")
		build := exec.CommandContext(ctx, "go", "build", "-o", steelyard, "github.com/steelyard-proxy/steelyard/cmd/steelyard")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build steelyard: %v\n%s", err, out)
		}
	}
	kinds, err := contender.Find(ctx, l.Proxies, steelyard)
	if len(kinds) == 0 {
		return err
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "going on without: %v\n", err)
	}
	l.kinds = kinds
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

// startAll starts the proxies of a part; the ones that fail are reported and left out.
func (l *lab) startAll(ctx context.Context, kinds []contender.Kind, streaming bool) (running []*contender.Process, stop func()) {
	for _, kind := range kinds {
		p, err := l.start(ctx, kind, streaming)
		if err != nil {
			l.report.note("%v", err)
			continue
		}
		running = append(running, p)
	}
	return running, func() {
		for _, p := range running {
			p.Stop()
		}
	}
}

func (l *lab) start(ctx context.Context, kind contender.Kind, streaming bool) (*contender.Process, error) {
	dir, err := os.MkdirTemp(l.dir, filepath.Base(kind.Name)+"-")
	if err != nil {
		return nil, fmt.Errorf("make temporary folder: %w", err)
	}
	return kind.Start(ctx, contender.Setting{
		Dir: dir, Upstreams: l.up.Addrs(), Core: proxyCore, Streaming: streaming, Root: os.Geteuid() == 0,
	})
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
