// Measuring programs side by side over sockets.

package lab

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
	"github.com/steelyard-proxy/steelyard/bench/peers"
	"github.com/steelyard-proxy/steelyard/bench/scenario"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// programOf is the name of the program that a contender is run by.
func programOf(c scenario.Contender) string {
	switch c.Peer {
	case scenario.NginxLeastConn:
		return peers.Nginx
	case scenario.HAProxyLeastConn, scenario.HAProxyMaxconn:
		return peers.HAProxy
	}
	return peers.Steelyard
}

// measure runs all contenders through sockets on each trace: at the same time, or a group of them after the other.
func (l *Lab) measure(ctx context.Context, c scenario.Case, traces []trace.Trace, t *table) error {
	if c.Simulated {
		return nil
	}
	defer peers.PreferSelf(peers.ShortSlice)()
	if release, err := alarm.KeepAwake(); err == nil { // else only root may, and figures have its wake-ups in them
		defer release()
	}
	groups := l.groups()
	for i, tr := range traces {
		for k, group := range groups {
			doing := fmt.Sprintf("measuring %s, trace %d of %d", c.Name, i+1, len(traces))
			if len(groups) > 1 {
				doing += fmt.Sprintf(", group %d of %d: %s", k+1, len(groups), group[0].Name)
			}
			runs, err := l.together(ctx, c, group, tr, l.options.Seed+uint64(i), doing)
			if err != nil {
				return err
			}
			for k, contender := range group {
				t.measured[contender.Name] = append(t.measured[contender.Name], runs[k])
			}
		}
	}
	return nil
}

// perCore is how many requests per second a core carries, all the way from client to engine and back, before the core
// is what is measured. Of requests this small the proxy's part is less.
const perCore = 600.0

// groups are the contenders that are measured at the same time: all, or as many as the machine carries, or one.
func (l *Lab) groups() (groups [][]scenario.Contender) {
	contenders := l.contenders(true)
	if len(contenders) == 0 {
		return nil
	}
	n := int(math.Ceil(float64(len(contenders)) * l.scenario.Rate / (perCore * float64(runtime.NumCPU()))))
	if l.options.InTurn {
		n = len(contenders)
	}
	size := int(math.Ceil(float64(len(contenders)) / float64(min(max(n, 1), len(contenders)))))
	return slices.Collect(slices.Chunk(contenders, size))
}

// groupsNote says who was measured beside whom, if not all were at once.
func (l *Lab) groupsNote() (notes []string) {
	groups, peer := l.groups(), false
	if len(groups) < 2 {
		return nil
	}
	var parts []string
	for _, group := range groups {
		var names []string
		for _, c := range group {
			names = append(names, c.Name)
			peer = peer || c.Peer != ""
		}
		parts = append(parts, strings.Join(names, ", "))
	}
	note := fmt.Sprintf("Measured in %d groups, one after the other on each trace: %s.", len(groups), strings.Join(parts, "; "))
	if peer {
		note += " × best peer compares across them, so what else the machine did meanwhile is in it."
	}
	return []string{note}
}

// together offers one trace to contenders that run at the same time.
func (l *Lab) together(ctx context.Context, of scenario.Case, group []scenario.Contender, tr trace.Trace, seed uint64, doing string) (runs []run, err error) {
	dir, err := os.MkdirTemp("", "steelyard-bench-")
	if err != nil {
		return nil, fmt.Errorf("start contenders: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	stands := make([]*stand, 0, len(group))
	defer func() {
		for _, s := range stands {
			err = errors.Join(err, s.stop())
		}
	}()
	for i, c := range group {
		own := filepath.Join(dir, fmt.Sprint(i))
		if err := os.Mkdir(own, 0o755); err != nil {
			return nil, fmt.Errorf("start contenders: %w", err)
		}
		s, err := l.stand(ctx, of, c, own, seed)
		if err != nil {
			return nil, err
		}
		stands = append(stands, s)
	}
	runs = make([]run, len(group))
	failed := make([]error, len(group))
	start := time.Now().Add(startDelay)
	ended := make(chan struct{})
	var replays sync.WaitGroup
	for i, s := range stands {
		begin := start.Add(time.Duration(i) * apart)
		replays.Go(func() {
			defer l.changing(s, begin)()
			if runs[i], failed[i] = s.replay(ctx, tr, begin); failed[i] != nil {
				cancel() // the others need not go on
			}
		})
	}
	go func() { replays.Wait(); close(ended) }()
	l.watch(ended, start, tr, doing)
	for _, s := range stands {
		failed = append(failed, s.ended())
	}
	if err := errors.Join(failed...); err != nil {
		return runs, err
	}
	ways, err := l.ways(ctx, stands)
	for i, way := range ways {
		runs[i].way = way
	}
	return runs, err
}

// startDelay is for everything to be ready when the first request is due.
const startDelay = 300 * time.Millisecond

// apart is by how much later than the one before it each contender of a group begins with
// the trace. Otherwise every request would come to all of them in one instant, and each
// would wait for the processors that the others use.
const apart = 100 * time.Millisecond

// watch reports progress until the replays have ended.
func (l *Lab) watch(ended <-chan struct{}, start time.Time, tr trace.Trace, doing string) {
	takes := tr.Duration()
	ticks := time.NewTicker(200 * time.Millisecond)
	defer ticks.Stop()
	for {
		part := min(max(time.Since(start).Seconds()/takes.Seconds(), 0), 1)
		l.steps.at(doing, takes, part)
		select {
		case <-ended:
			l.steps.end(takes)
			return
		case <-ticks.C:
		}
	}
}
