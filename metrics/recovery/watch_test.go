package recovery

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/steelyard-proxy/steelyard/metrics/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fleet is endpoints that a test takes out and back, and an action that counts.
type fleet struct {
	mu    sync.Mutex // guards what follows
	list  []Endpoint
	taken []string
	at    []time.Time
	now   int // actions under way
	most  int
	take  func(ctx context.Context) error
}

func (f *fleet) endpoints() []Endpoint {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Endpoint{}, f.list...)
}

func (f *fleet) set(i int, out string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list[i].Out = out
}

func (f *fleet) Describe(_ string, e Endpoint) string { return "restart " + e.Name }

func (f *fleet) Take(ctx context.Context, _ string, e Endpoint) (map[string]any, error) {
	f.mu.Lock()
	f.taken, f.at = append(f.taken, e.Name), append(f.at, time.Now())
	f.now++
	f.most = max(f.most, f.now)
	take := f.take
	f.mu.Unlock()
	var err error
	if take != nil {
		err = take(ctx)
	}
	f.mu.Lock()
	f.now--
	f.mu.Unlock()
	return nil, err
}

func (f *fleet) names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, f.taken...)
}

// watching runs a Watch over endpoints a, b and c in a bubble.
func watching(t *testing.T, change func(*Options, *fleet), test func(f *fleet, log *event.Log)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{list: []Endpoint{{Name: "a", Reason: "refused"}, {Name: "b"}, {Name: "c"}}}
		log := event.NewLog(nil)
		o := Options{Upstream: "chat", Endpoints: f.endpoints, Action: f, Events: log,
			After: time.Minute, Every: 10 * time.Minute, Limit: 6, Timeout: 20 * time.Second}
		if change != nil {
			change(&o, f)
		}
		go func() { _ = New(o).Run(t.Context()) }()
		test(f, log)
	})
}

func told(log *event.Log) (list []event.Event) {
	list, _ = log.Since(0)
	return list
}

func TestAnEndpointThatStaysOutIsGotBack(t *testing.T) {
	watching(t, nil, func(f *fleet, log *event.Log) {
		time.Sleep(time.Hour)
		require.Empty(t, f.names(), "all are well")
		f.set(0, "probe failed")
		time.Sleep(59 * time.Second)
		assert.Empty(t, f.names())
		time.Sleep(5 * time.Second)
		assert.Equal(t, []string{"a"}, f.names())
		e := told(log)[0]
		assert.Equal(t, event.Recovery, e.Kind)
		assert.Equal(t, "restart a", e.Action)
		assert.Equal(t, "probe failed for 1m0s: refused", e.Cause)
		time.Sleep(9 * time.Minute)
		assert.Len(t, f.names(), 1, "not again so soon")
		time.Sleep(2 * time.Minute)
		assert.Len(t, f.names(), 2)
	})
}

// TestSomebodyMayAsk for an action at once, within the same bounds.
func TestSomebodyMayAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{list: []Endpoint{{Name: "a"}, {Name: "b"}, {Name: "c"}}}
		log := event.NewLog(nil)
		w := New(Options{Upstream: "chat", Endpoints: f.endpoints, Action: f, Events: log, After: time.Hour, Every: 10 * time.Minute, Limit: 2, Timeout: time.Second})
		go func() { _ = w.Run(t.Context()) }()
		ask := func(endpoint string) event.Event {
			require.True(t, w.Ask(endpoint, "alert down"))
			synctest.Wait()
			all := told(log)
			return all[len(all)-1]
		}
		e := ask("a")
		assert.Equal(t, []any{event.Recovery, "a", "asked for by alert down"}, []any{e.Kind, e.Endpoint, e.Cause})
		time.Sleep(5 * time.Minute)
		e = ask("a")
		assert.Equal(t, []any{event.RecoveryFailed, "asked for by alert down, but the last action for it was 5m0s ago, and may be one in 10m0s"}, []any{e.Kind, e.Cause})
		ask("b")
		e = ask("c")
		assert.Contains(t, e.Cause, "2 actions within an hour")
		assert.Equal(t, []string{"a", "b"}, f.names())
		require.True(t, w.Ask("gone", "alert down"))
		synctest.Wait()
		assert.Equal(t, []string{"a", "b"}, f.names())
	})
}

// TestMoreThanCanBeTakenAreNotWaitedFor: who asks goes on at once.
func TestMoreThanCanBeTakenAreNotWaitedFor(t *testing.T) {
	w := New(Options{})
	for range mostAsked {
		require.True(t, w.Ask("a", ""))
	}
	require.False(t, w.Ask("a", ""))
}

func TestNothingIsDoneForOneThatComesBack(t *testing.T) {
	watching(t, nil, func(f *fleet, log *event.Log) {
		for range 20 {
			f.set(0, "ejected")
			time.Sleep(50 * time.Second)
			f.set(0, "")
			time.Sleep(40 * time.Second) // long enough to count as well
		}
		assert.Empty(t, f.names())
	})
}

// TestAMomentOfHealthDoesNotCount: one that is let back in on trial, and fails, has been out all the time.
func TestAMomentOfHealthDoesNotCount(t *testing.T) {
	watching(t, nil, func(f *fleet, log *event.Log) {
		for range 5 {
			f.set(0, "ejected")
			time.Sleep(20 * time.Second)
			f.set(0, "")
			time.Sleep(5 * time.Second)
		}
		assert.Equal(t, []string{"a"}, f.names())
	})
}

// TestAnOutageOfAllIsNoStormOfRestarts: one at a time, the longest out first, and at most Limit in an hour.
func TestAnOutageOfAllIsNoStormOfRestarts(t *testing.T) {
	watching(t, func(o *Options, f *fleet) {
		o.Limit, o.Every = 4, time.Minute
		f.take = func(context.Context) error { time.Sleep(10 * time.Second); return nil }
	}, func(f *fleet, log *event.Log) {
		f.set(1, "ejected")
		time.Sleep(2 * time.Second)
		f.set(0, "ejected")
		f.set(2, "probe failed")
		time.Sleep(50 * time.Minute)
		assert.Equal(t, []string{"b", "a", "c", "b"}, f.names())
		f.mu.Lock()
		assert.Equal(t, 1, f.most)
		f.mu.Unlock()
		assert.EqualValues(t, 1, log.Published(event.RecoveryFailed), "that the limit is reached is told once")
		time.Sleep(12 * time.Minute)
		assert.Greater(t, len(f.names()), 4, "and then the hour is over")
	})
}

func TestADryRunOnlyTells(t *testing.T) {
	watching(t, func(o *Options, _ *fleet) { o.DryRun = true }, func(f *fleet, log *event.Log) {
		f.set(0, "ejected")
		time.Sleep(30 * time.Minute)
		assert.Empty(t, f.names())
		assert.EqualValues(t, 3, log.Published(event.WouldRecover), "as often as it would be done")
		assert.Equal(t, "restart a", told(log)[0].Action)
	})
}

func TestAFailedActionIsToldAndNotRepeatedAtOnce(t *testing.T) {
	watching(t, func(_ *Options, f *fleet) {
		f.take = func(context.Context) error { return errors.New("no such unit") }
	}, func(f *fleet, log *event.Log) {
		f.set(0, "ejected")
		time.Sleep(5 * time.Minute)
		assert.Len(t, f.names(), 1)
		e := told(log)[0]
		assert.Equal(t, event.RecoveryFailed, e.Kind)
		assert.Contains(t, e.Cause, "the action failed: no such unit")
	})
}

func TestAnActionHasATimeOut(t *testing.T) {
	watching(t, func(_ *Options, f *fleet) {
		f.take = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	}, func(f *fleet, log *event.Log) {
		f.set(0, "ejected")
		time.Sleep(90 * time.Second)
		require.Len(t, told(log), 1)
		assert.Equal(t, 20.0, told(log)[0].Evidence["took_seconds"])
	})
}
