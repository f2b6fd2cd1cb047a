// Random faults for a long time, and a look at what has grown.

package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
	"github.com/steelyard-proxy/steelyard/bench/backend"
	"github.com/steelyard-proxy/steelyard/bench/load"
	"github.com/steelyard-proxy/steelyard/bench/peers"
	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// SoakOptions say how long a program soaks, and in what.
type SoakOptions struct {
	Program peers.Program
	Lasts   time.Duration
	Seed    uint64
	Rate    float64
	Server  []string // as in Options
	Out     io.Writer
}

// ShortestSoak is the least that has a warm-up and something to compare.
const ShortestSoak = 40 * time.Second

// Soak puts the program through random faults, prints what it sees, and says whether nothing has grown.
func Soak(ctx context.Context, o SoakOptions) (met bool, err error) {
	dir, err := os.MkdirTemp("", "steelyard-soak-")
	if err != nil {
		return false, fmt.Errorf("make temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	f := &fault{name: "soak", servers: roomy, process: true, times: Times{After: o.Lasts}}
	s, err := newStand(ctx, Options{Seed: o.Seed, Rate: o.Rate, Server: o.Server}, f, Contender{Name: o.Program.Name, Program: o.Program}, dir)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	fmt.Fprintf(o.Out, "soak: %v, %.0f requests/s over %d servers, seed %d\n", o.Lasts, o.Rate, count, o.Seed)
	k := &soak{stand: s, options: o, draws: rand.New(rand.NewPCG(o.Seed, 3)), failures: map[string]int{}}
	return k.run(ctx)
}

// soak is one under way.
type soak struct {
	*stand
	options SoakOptions
	draws   *rand.Rand // of the goroutine that makes the faults

	mu       sync.Mutex
	requests int            // ended, under mu
	failures map[string]int // by cause, under mu
	lost     int            // of those, the ones whose answers had not begun, under mu

	faults  map[string]int // that were made, by kind
	samples []sizes        // taken while all servers were well
}

// sizes are what must not grow.
type sizes struct{ goroutines, descriptors, resident float64 }

func (k *soak) run(ctx context.Context) (bool, error) {
	k.start = time.Now()
	k.leavers.left = map[string]time.Time{}
	k.faults = map[string]int{}
	loading, unload := context.WithCancelCause(ctx)
	defer unload(nil)
	sent := make(chan error, 1)
	go func() {
		sent <- load.Send(loading, k.endless(loading), load.Options{URL: "http://" + k.process.Addr, MaxInFlight: mostInFlight}, k.ended)
	}()
	for round := 0; time.Since(k.start) < k.options.Lasts; round++ {
		if err := k.round(ctx, round); err != nil {
			return false, err
		}
	}
	enough := errors.New("the soak is over")
	unload(enough)
	if err := <-sent; err != nil && !errors.Is(err, enough) {
		return false, err
	}
	e := &evidence{stand: k.stand}
	e.rest(ctx)
	return k.verdict(e), nil
}

// endless are requests for as long as the soak lasts.
func (k *soak) endless(ctx context.Context) iter.Seq[trace.Request] {
	draws := rand.New(rand.NewPCG(k.options.Seed, 4))
	return func(yield func(trace.Request) bool) {
		for at := time.Duration(0); ctx.Err() == nil; {
			at += time.Duration(draws.ExpFloat64() / k.options.Rate * float64(time.Second))
			if !yield(trace.Request{At: at, Work: k.fault.servers.work * (0.5 + draws.ExpFloat64()), Stream: draws.IntN(2) == 0, PromptBytes: draws.IntN(4 << 10)}) {
				return
			}
		}
	}
}

func (k *soak) ended(_ int, s load.Sample) {
	if s.Failure == load.Abandoned {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.requests++
	if s.Failure != "" {
		k.failures[cause(s)]++
		if s.Failure != load.Truncated && s.Failure != load.ErrorEvent {
			k.lost++
		}
	}
}

// round makes one or two servers ill for a while, lets clients leave and reloads now and then, and looks at the sizes when all
// is well again.
func (k *soak) round(ctx context.Context, n int) error {
	ill := k.draws.Perm(count)[:1+k.draws.IntN(2)]
	for _, i := range ill {
		if err := k.harm(k.servers[i]); err != nil {
			return err
		}
	}
	lasts := time.Second + time.Duration(k.draws.Int64N(int64(4*time.Second)))
	var clients sync.WaitGroup
	for range 10 + k.draws.IntN(40) {
		stays, stream := time.Duration(k.draws.Int64N(int64(lasts))), k.draws.IntN(2) == 0
		clients.Go(func() { k.leavers.one(ctx, k.process.Addr, asideMark+"leaver", stays, stream) })
	}
	if err := k.disturb(ctx, n); err != nil {
		return err
	}
	err := alarm.Pause(ctx, lasts)
	clients.Wait()
	for _, i := range ill {
		err = errors.Join(err, k.heal(ctx, k.servers[i]))
	}
	if n%3 == 1 {
		err = errors.Join(err, k.rewrite(count, fmt.Sprint("after round ", n)), k.reload())
	}
	if err = errors.Join(err, alarm.Pause(ctx, 3*time.Second)); err != nil {
		return err
	}
	k.look(ctx, n)
	_, err = k.newest() // it has ended: that is the error
	return err
}

// disturb changes the program itself now and then, while servers are ill: by a reload, or by an upgrade.
func (k *soak) disturb(ctx context.Context, n int) error {
	switch {
	case n%3 == 1:
		k.faults["reload"]++
		return errors.Join(k.rewrite(count-n%2, fmt.Sprint("round ", n)), k.reload())
	case n%3 == 2 && k.warming(): // a new process has not had the time to grow
		k.faults["upgrade"]++
		taken := k.stand.upgrade.taken
		if err := k.stand.upgrade.upgrade(ctx, k.stand); err != nil {
			return err
		}
		if k.stand.upgrade.taken == taken {
			return errors.New("the new program did not take over")
		}
	}
	return nil
}

// soakFaults are those that a server in this process can have.
var soakFaults = []backend.Fault{backend.Down, backend.Error500, backend.ErrorEvent, backend.Busy, backend.FailHealth, backend.Hang, backend.Slow,
	backend.Reset, backend.ResetHalf, backend.CutStream}

func (k *soak) harm(s *server) error {
	if s.inside == nil {
		k.faults["kill"]++
		s.kill()
		return nil
	}
	kind := soakFaults[k.draws.IntN(len(soakFaults))]
	k.faults[string(kind)]++
	return s.suffer(kind)
}

func (k *soak) heal(ctx context.Context, s *server) error {
	if s.inside == nil {
		return s.start(ctx)
	}
	return s.suffer(backend.None)
}

func (k *soak) warming() bool { return time.Since(k.start) < k.options.Lasts/4 }

// look takes the sizes, and tells them.
func (k *soak) look(ctx context.Context, n int) {
	m := k.scrape(ctx)
	if m == nil {
		return
	}
	now := sizes{m.sum("go_goroutines"), m.sum("process_open_fds"), m.sum("process_resident_memory_bytes")}
	if !k.warming() {
		k.samples = append(k.samples, now)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	fmt.Fprintf(k.options.Out, "%6s  round %3d: %7d requests, %d goroutines, %d descriptors, %.1f MiB\n", time.Since(k.start).Round(time.Second), n,
		k.requests, int(now.goroutines), int(now.descriptors), now.resident/(1<<20))
}

// verdict compares the least of the first third of what was seen after the warm-up with the least of the last.
func (k *soak) verdict(e *evidence) bool {
	fmt.Fprintf(k.options.Out, "\n%d requests, failures %v, %d of them lost before an answer began\nfaults %v\n", k.requests, k.failures, k.lost, k.faults)
	third := max(len(k.samples)/3, 1)
	if len(k.samples) < 2 {
		fmt.Fprintln(k.options.Out, "too few looks to compare: let it soak for longer")
		return false
	}
	early, late := k.samples[:third], k.samples[len(k.samples)-third:]
	least := func(list []sizes, of func(sizes) float64) float64 { // what a burst leaves behind for a while is no growth
		found := of(list[0])
		for _, s := range list {
			found = min(found, of(s))
		}
		return found
	}
	grown := func(name, unit string, scale, free float64, of func(sizes) float64) report.Check {
		first := least(early, of)
		return report.AtMost(name+" at the end, at least", least(late, of)/scale, (first*1.1+free)/scale, unit)
	}
	checks := []report.Check{
		grown("goroutines", "", 1, 20, func(s sizes) float64 { return s.goroutines }),
		grown("descriptors", "", 1, 20, func(s sizes) float64 { return s.descriptors }),
		grown("memory", "MiB", 1<<20, 8<<20, func(s sizes) float64 { return s.resident }),
		report.AtMost("gauges at rest", e.drift, 0, ""),
	}
	for _, c := range checks {
		fmt.Fprintln(k.options.Out, c)
	}
	return e.settled && !slices.ContainsFunc(checks, func(c report.Check) bool { return !c.Met })
}
