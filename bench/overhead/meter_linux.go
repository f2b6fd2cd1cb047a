// Reading the clocks around a measurement.

package main

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/figure"
	"github.com/steelyard-proxy/steelyard/bench/overhead/wire"
	"github.com/steelyard-proxy/steelyard/bench/peers"
)

// target is a proxy with its address, or the upstream itself.
type target struct {
	name    string
	process *peers.Process // nil: direct
}

func targets(running []*peers.Process) (all []target) {
	for _, p := range running {
		all = append(all, target{name: p.Name, process: p})
	}
	return all
}

// withDirect puts the client on the upstream first, as what a proxy's times are compared with.
func withDirect(proxies []target) []target { return append([]target{{name: direct}}, proxies...) }

func (l *lab) address(t target) netip.AddrPort {
	if t.process == nil {
		return l.up.Addrs()[0]
	}
	return netip.MustParseAddrPort(t.process.Addr)
}

// meter is the state of every clock at one instant.
type meter struct {
	wall        time.Time
	cpu, waited time.Duration
	client      time.Duration
}

func (t target) read() (m meter, err error) {
	if t.process != nil {
		if m.waited, err = t.process.Waited(); err != nil {
			return m, err
		}
	}
	if m.client, err = peers.CPU(os.Getpid()); err != nil {
		return m, err
	}
	if t.process != nil {
		m.cpu, err = t.process.CPU()
	}
	m.wall = time.Now()
	return m, err
}

// work is what keeps a target busy while it is weighed.
type work struct {
	beat  *wire.Beat // nil: it goes on by itself
	begin func()     // the warm-up is over: record from now on
	units func() int // done since the start
}

// weigh runs the loop for a warm-up and a measurement, and fills in what the clocks say of the latter.
func (l *lab) weigh(ctx context.Context, t target, s *Sample, w work) error {
	if err := l.loop.Run(ctx, warmUp, w.beat); err != nil {
		return err
	}
	w.begin()
	if w.beat != nil {
		w.beat.Late = make([]int64, 0, int(l.Duration/w.beat.Gap)+1)
	}
	first := w.units()
	before, err := t.read()
	if err != nil {
		return err
	}
	if err := l.loop.Run(ctx, l.Duration, w.beat); err != nil {
		return err
	}
	after, err := t.read()
	if err != nil {
		return err
	}
	s.Units = w.units() - first
	s.Elapsed = after.wall.Sub(before.wall)
	s.CPU = after.cpu - before.cpu
	s.Waited = after.waited - before.waited
	s.Client = after.client - before.client
	if w.beat != nil {
		slices.Sort(w.beat.Late)
		s.LateP99 = time.Duration(figure.Quantile(w.beat.Late, 0.99))
	}
	if s.Units == 0 {
		return errors.New("nothing was answered")
	}
	return nil
}

const roomForTimes = 1 << 20 // what a minute at any rate fills

// times fills in the quantiles of what was recorded, in nanoseconds.
func (s *Sample) times(recorded []int64) {
	slices.Sort(recorded)
	s.P50 = time.Duration(figure.Quantile(recorded, 0.50))
	s.P99 = time.Duration(figure.Quantile(recorded, 0.99))
}
