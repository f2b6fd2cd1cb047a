package probe

import (
	"context"
	"fmt"
	"sync"
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

// recorder is a sink and observer that remembers.
type recorder struct {
	mu      sync.Mutex // guards the rest
	start   time.Time
	changes []string
	probes  map[string][]time.Duration // by endpoint: when a probe ended, since start
}

func newRecorder() *recorder {
	return &recorder{start: time.Now(), probes: map[string][]time.Duration{}}
}

func (r *recorder) SetProbe(endpoint string, state State, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes = append(r.changes, fmt.Sprintf("%s %v: %s", endpoint, state, reason))
}

func (r *recorder) observe(endpoint string, _ Result, _ time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.probes[endpoint] = append(r.probes[endpoint], time.Since(r.start))
}

// scripted returns a prober of these targets whose checks are not made over the network.
func scripted(r *recorder, checks map[string]check) *Prober {
	o := Options{Upstream: "chat", Interval: 2 * time.Second, Timeout: time.Second, Sink: r, Observe: r.observe}
	for name := range checks {
		o.Targets = append(o.Targets, Target{Name: name})
	}
	p := New(o)
	for _, t := range p.targets {
		t.check = checks[t.name]
	}
	return p
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

func TestFirstRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		p := scripted(r, map[string]check{
			"up": always(Passed, "connected"), "busy": always(PassedBusy, "status 429"),
			"down": always(FailedConnect, "connect: connection refused"), "hung": hangs, "hung too": hangs,
		})
		for _, report := range p.Reports() {
			assert.Equal(t, Unknown, report.State)
		}
		p.FirstRound(t.Context())
		assert.Equal(t, time.Second, time.Since(r.start), "one timeout for all of them")
		assert.ElementsMatch(t, []string{
			"up up: connected", "busy busy: status 429", "down down: connect: connection refused",
			"hung down: no answer within 1s", "hung too down: no answer within 1s",
		}, r.changes)
		for _, report := range p.Reports() {
			assert.NotEqual(t, Unknown, report.State)
			assert.False(t, report.Since.IsZero())
		}
	})
}

// TestRunProbesOnSchedule: in a minute every target is probed thirty times, also beside
// one that hangs, and the sink hears of nothing, since nothing changes.
func TestRunProbesOnSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		p := scripted(r, map[string]check{"a": always(Passed, ""), "b": always(Passed, ""), "c": always(Passed, ""), "hung": hangs})
		p.FirstRound(t.Context())
		r.start, r.probes = time.Now(), map[string][]time.Duration{}
		told := len(r.changes)

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.NoError(t, p.Run(ctx))
		assert.Equal(t, time.Minute, time.Since(r.start))
		assert.Len(t, r.changes, told)
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
		require.NoError(t, scripted(r, checks).Run(ctx))
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
		p := scripted(r, map[string]check{"gpu": func(context.Context) *verdict {
			if now := time.Now(); now.After(dies) && now.Before(returns) {
				return &verdict{FailedStatus, "GET /health: status 503"}
			}
			return &verdict{Passed, "GET /health: status 200"}
		}})
		core, logs := observer.New(zap.InfoLevel)
		p.options.Log = zap.New(core)
		p.FirstRound(t.Context())
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		go func() { _ = p.Run(ctx) }()

		<-time.After(10*time.Second + 3*2200*time.Millisecond)
		synctest.Wait()
		report := p.Reports()[0]
		assert.Equal(t, Down, report.State)
		assert.Equal(t, "GET /health: status 503", report.Reason)
		assert.InDelta(t, 15, report.Since.Sub(r.start).Seconds(), 1.4, "the third failure")

		<-time.After(time.Until(returns) + 2*2200*time.Millisecond)
		synctest.Wait()
		assert.Equal(t, Up, p.Reports()[0].State)
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
		p := scripted(r, map[string]check{"gpu": hangs})
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		p.FirstRound(ctx)
		assert.Equal(t, 500*time.Millisecond, time.Since(r.start))
		assert.Empty(t, r.changes)
		assert.Empty(t, r.probes)
		assert.Equal(t, Unknown, p.Reports()[0].State)
	})
}

// TestInitialState: what an earlier prober took out needs its successes in a row.
func TestInitialState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		p := New(Options{Sink: r, Targets: []Target{{Name: "gpu", Initial: Down}}})
		p.targets[0].check = always(Passed, "connected")
		p.FirstRound(t.Context())
		assert.Equal(t, Down, p.Reports()[0].State)
		assert.Empty(t, r.changes)
		p.FirstRound(t.Context())
		assert.Equal(t, []string{"gpu up: connected"}, r.changes)
	})
}

func TestRunWithoutTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.NoError(t, New(Options{Sink: newRecorder()}).Run(ctx))
		assert.Equal(t, time.Minute, time.Since(start), "it runs until it is stopped")
	})
}
