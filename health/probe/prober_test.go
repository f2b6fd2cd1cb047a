package probe

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a sink and observer of several endpoints that remembers.
type recorder struct {
	mu      sync.Mutex // guards the rest
	start   time.Time
	changes []string
	probes  map[string][]time.Duration // by endpoint: when a probe ended, since start
}

func newRecorder() *recorder {
	return &recorder{start: time.Now(), probes: map[string][]time.Duration{}}
}

// of is the recorder's ear at one endpoint.
type of struct {
	*recorder
	endpoint string
}

func (r of) SetProbe(state State, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes = append(r.changes, fmt.Sprintf("%s %v: %s", r.endpoint, state, reason))
}

func (r of) observe(Result, time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.probes[r.endpoint] = append(r.probes[r.endpoint], time.Since(r.start))
}

// count is how often an endpoint was probed.
func (r *recorder) count(endpoint string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.probes[endpoint])
}

// options are those of an endpoint that the recorder hears of.
func (r *recorder) options(endpoint string) Options {
	ear := of{r, endpoint}
	return Options{Upstream: "chat", Interval: 2 * time.Second, Timeout: time.Second, Sink: ear, Observe: ear.observe}
}

// reconfigure is Configure for a prober whose check is not made over the network.
func (p *Prober) reconfigure(o Options, scripted check) {
	p.put(&settings{o.withDefaults(), scripted})
}

// scripted returns a prober whose check is not made over the network.
func scripted(r *recorder, name string, c check) *Prober { return scriptedAt(r, name, c, 0) }

func scriptedAt(r *recorder, name string, c check, place float64) *Prober {
	p := New(r.options(name), Target{Name: name, Place: place})
	p.reconfigure(r.options(name), c)
	return p
}

// group is several probers of one upstream.
type group []*Prober

func scriptedGroup(r *recorder, checks map[string]check) (all group) {
	var places Places
	for name, c := range checks {
		all = append(all, scriptedAt(r, name, c, places.Next()))
	}
	return all
}

func (g group) first(ctx context.Context) {
	var round sync.WaitGroup
	for _, p := range g {
		round.Go(func() { p.First(ctx) })
	}
	round.Wait()
}

func (g group) run(t *testing.T, ctx context.Context) {
	var running sync.WaitGroup
	for _, p := range g {
		running.Go(func() { assert.NoError(t, p.Run(ctx)) })
	}
	running.Wait()
}

// always is a check that answers the same at once.
func always(result Result, reason string) check {
	return func(context.Context) *verdict { return &verdict{result, reason} }
}

// hangs is a check of a server that never answers.
func hangs(ctx context.Context) *verdict {
	<-ctx.Done()
	return &verdict{FailedTimeout, "no answer within 1s"}
}

func TestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		all := scriptedGroup(r, map[string]check{
			"up": always(Passed, "connected"), "busy": always(PassedBusy, "status 429"),
			"down": always(FailedConnect, "connect: connection refused"), "hung": hangs, "hung too": hangs,
		})
		for _, p := range all {
			assert.Equal(t, Unknown, p.Report().State)
		}
		all.first(t.Context())
		assert.Equal(t, time.Second, time.Since(r.start), "one timeout for all of them")
		assert.ElementsMatch(t, []string{
			"up up: connected", "busy busy: status 429", "down down: connect: connection refused",
			"hung down: no answer within 1s", "hung too down: no answer within 1s",
		}, r.changes)
		for _, p := range all {
			assert.NotEqual(t, Unknown, p.Report().State)
			assert.False(t, p.Report().Since.IsZero())
		}
	})
}

// TestRunProbesOnSchedule: in a minute every target is probed thirty times, also beside
// one that hangs, and the sink hears of nothing, since nothing changes.
func TestRunProbesOnSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		all := scriptedGroup(r, map[string]check{"a": always(Passed, ""), "b": always(Passed, ""), "c": always(Passed, ""), "hung": hangs})
		all.first(t.Context())
		r.start, r.probes = time.Now(), map[string][]time.Duration{}
		told := len(r.changes)

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		all.run(t, ctx)
		assert.Equal(t, time.Minute, time.Since(r.start))
		assert.Len(t, r.changes, told)
		assert.Len(t, r.probes, 4)
		for name, times := range r.probes {
			assert.InDelta(t, 30, len(times), 1, "probes of %s", name)
		}
	})
}

func TestRunSpreadsTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		checks := map[string]check{}
		for i := range 20 {
			checks[fmt.Sprint(i)] = always(Passed, "")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		scriptedGroup(r, checks).run(t, ctx)
		quarters := map[time.Duration]int{}
		for _, times := range r.probes {
			quarters[times[0]/(500*time.Millisecond)]++
		}
		for quarter := range time.Duration(4) {
			assert.NotZero(t, quarters[quarter], "first probes in quarter %d of the interval", quarter)
			assert.Less(t, quarters[quarter], 11, "first probes in quarter %d of the interval", quarter)
		}
	})
}

// TestTransitions lets a server die and come back: the sink hears of it once each way,
// when the threshold is reached.
func TestTransitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		dies, returns := r.start.Add(10*time.Second), r.start.Add(30*time.Second)
		script := func(context.Context) *verdict {
			if now := time.Now(); now.After(dies) && now.Before(returns) {
				return &verdict{FailedStatus, "GET /health: status 503"}
			}
			return &verdict{Passed, "GET /health: status 200"}
		}
		p := scripted(r, "gpu", script)
		core, logs := observer.New(zap.InfoLevel)
		o := r.options("gpu")
		o.Log = zap.New(core)
		p.reconfigure(o, script)
		p.First(t.Context())
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		go func() { _ = p.Run(ctx) }()

		<-time.After(10*time.Second + 3*2200*time.Millisecond)
		synctest.Wait()
		report := p.Report()
		assert.Equal(t, Down, report.State)
		assert.Equal(t, "GET /health: status 503", report.Reason)
		assert.InDelta(t, 15, report.Since.Sub(r.start).Seconds(), 1.4, "the third failure")

		<-time.After(time.Until(returns) + 2*2200*time.Millisecond)
		synctest.Wait()
		assert.Equal(t, Up, p.Report().State)
		assert.Equal(t, []string{
			"gpu up: GET /health: status 200", "gpu down: GET /health: status 503", "gpu up: GET /health: status 200",
		}, r.changes)

		entries := logs.All()
		require.Len(t, entries, 2, "to be up at start is no news")
		assert.Equal(t, zap.WarnLevel, entries[0].Level)
		assert.Equal(t, map[string]any{"upstream": "chat", "endpoint": "gpu", "from": "up", "to": "down",
			"reason": "GET /health: status 503"}, entries[0].ContextMap())
		assert.Equal(t, zap.InfoLevel, entries[1].Level)
		cancel()
		synctest.Wait()
	})
}

// TestStopSaysNothing: a probe that shutdown cut short is no failure of the endpoint.
func TestStopSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		p := scripted(r, "gpu", hangs)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		p.First(ctx)
		assert.Equal(t, 500*time.Millisecond, time.Since(r.start))
		assert.Empty(t, r.changes)
		assert.Empty(t, r.probes)
		assert.Equal(t, Unknown, p.Report().State)
	})
}

// TestHasten: something says that an endpoint which is down may be back. Then it need not wait for
// its turn.
func TestHasten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		var well atomic.Bool
		script := func(context.Context) *verdict {
			if well.Load() {
				return &verdict{Passed, "connected"}
			}
			return &verdict{FailedConnect, "connection refused"}
		}
		p := scripted(r, "gpu", script)
		p.First(t.Context())
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = p.Run(ctx) }()
		<-time.After(11 * time.Second) // its place is at 0 s, 2 s ...
		synctest.Wait()
		before := r.count("gpu")

		p.Hasten()
		synctest.Wait()
		require.Equal(t, before+1, r.count("gpu"), "at once")
		<-time.After(500 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, before+1, r.count("gpu"), "it failed: the schedule goes on")

		well.Store(true)
		for range 3 {
			p.Hasten()
		}
		synctest.Wait()
		require.Equal(t, Down, p.Report().State, "one is not enough")
		<-time.After(p.haste())
		synctest.Wait()
		require.Equal(t, Up, p.Report().State)
		require.Equal(t, before+3, r.count("gpu"))
		for range 100 {
			p.Hasten() // it is up
			synctest.Wait()
		}
		<-time.After(10 * time.Second)
		synctest.Wait()
		assert.Equal(t, before+8, r.count("gpu"), "each in its place again")
		cancel()
		synctest.Wait()
	})
}

// TestHasteIsBounded: whoever hastens all the time makes no flood of probes.
func TestHasteIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		p := scripted(r, "gpu", always(FailedConnect, "connection refused"))
		p.First(t.Context())
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = p.Run(ctx) }()
		for range 1000 {
			p.Hasten()
			<-time.After(time.Millisecond)
		}
		synctest.Wait()
		assert.InDelta(t, 25, r.count("gpu"), 3)
		cancel()
		synctest.Wait()
	})
}
