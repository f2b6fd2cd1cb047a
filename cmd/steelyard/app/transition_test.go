package app

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// newLoggedUpstream has one upstream's log and its pool, which has endpoints of these names.
func newLoggedUpstream(t *testing.T, names ...string) (*upstream, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	log := zap.New(core)
	f := newFleet(log, metrics.New(metrics.Build{}), event.NewLog(newEventLines(log).told))
	u := f.newUpstream("chat")
	var err error
	u.options.Policy, err = policy.Lookup("round_robin")
	require.NoError(t, err)
	var list []balancer.EndpointOptions
	for _, name := range names {
		list = append(list, balancer.EndpointOptions{Name: name, URL: "http://" + name, Capacity: 1})
	}
	require.NoError(t, u.pool.Apply(u.options, list))
	return u, logs
}

// fails lets one request find out that each of the endpoints cannot be reached, which it must
// be given in the end.
func fails(t *testing.T, u *upstream, times int) {
	t.Helper()
	for range times {
		lease, err := u.pool.Acquire(nil)
		require.NoError(t, err)
		lease.Release(balancer.Outcome{Class: balancer.ConnectFailed, Reason: "connection refused"})
	}
}

// TestUnreachableEndpointsAreLogged: one line when it begins, however often it is tried, and
// one when it is over.
func TestUnreachableEndpointsAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, logs := newLoggedUpstream(t, "a", "b")
		fails(t, u, 2) // both
		fails(t, u, 5) // are tried again and again
		time.Sleep(2 * time.Second)
		fails(t, u, 5)
		for range 2 {
			time.Sleep(6 * time.Second) // longer than any pause
			synctest.Wait()
			lease, err := u.pool.Acquire(nil)
			require.NoError(t, err)
			lease.Reached()
			lease.Release(balancer.Outcome{Class: balancer.Answered})
		}
		var lines []string
		for _, e := range logs.AllUntimed() {
			assert.Equal(t, "chat", e.ContextMap()["upstream"])
			endpoint, _ := e.ContextMap()["endpoint"].(string)
			lines = append(lines, e.Level.String()+" "+endpoint+": "+e.Message)
		}
		require.Len(t, lines, 6, lines)
		const lost, back = ": endpoint cannot be reached: connections to it fail; others get its requests", ": endpoint can be reached again"
		assert.ElementsMatch(t, []string{"warn a" + lost, "warn b" + lost}, lines[:2])
		assert.Equal(t, "connection refused", logs.All()[0].ContextMap()["cause"])
		assert.Equal(t, "error : "+event.Panic.Says(), lines[2])
		assert.ElementsMatch(t, []string{"info a" + back, "info b" + back, "info : " + event.PanicOver.Says()}, lines[3:])
	})
}

// TestLinesOfEventsAreBounded: an endpoint that comes and goes does not fill the disk, and the
// next line says how many are missing.
func TestLinesOfEventsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		events := event.NewLog(newEventLines(zap.New(core)).told)
		for range 1000 {
			events.Publish(event.Event{Kind: event.Unreachable, Upstream: "chat", Endpoint: "a"})
		}
		require.Equal(t, linesAtOnce, logs.Len())
		events.Publish(event.Event{Kind: event.Unreachable, Upstream: "other"})
		require.Equal(t, linesAtOnce+1, logs.Len(), "another upstream is heard")
		time.Sleep(lineEvery)
		events.Publish(event.Event{Kind: event.Unreachable, Upstream: "chat", Endpoint: "a"})
		last := logs.All()[logs.Len()-1]
		assert.Equal(t, zapcore.WarnLevel, last.Level)
		assert.Equal(t, int64(1000-linesAtOnce), last.ContextMap()["lines_left_out"])
	})
}

// TestWhatOthersLogIsNotLoggedTwice: probes and operators say it themselves. It is an event
// all the same.
func TestWhatOthersLogIsNotLoggedTwice(t *testing.T) {
	u, logs := newLoggedUpstream(t, "a", "b")
	for _, c := range []balancer.Condition{balancer.Draining, balancer.ProbeFailed} {
		_, err := u.pool.SetCondition("a", c, true, "why")
		require.NoError(t, err)
	}
	assert.Zero(t, logs.Len())
	assert.Equal(t, []string{"draining a: why", "probe_failed a: why"}, published(u))
}

// published is the events of an upstream so far.
func published(u *upstream) (list []string) {
	events, _ := u.transitions.events.Since(0)
	for _, e := range events {
		list = append(list, e.Kind.String()+" "+e.Endpoint+": "+e.Cause)
	}
	return list
}

func TestItIsToldOnceWhenNoEndpointIsEligible(t *testing.T) {
	u, logs := newLoggedUpstream(t, "a", "b")
	set := func(name string, on bool) {
		_, err := u.pool.SetCondition(name, balancer.ProbeFailed, on, "down")
		require.NoError(t, err)
	}
	set("a", true)
	set("b", true)
	set("b", false)
	set("a", false)
	assert.Equal(t, []string{
		"probe_failed a: down", "probe_failed b: down", "no_endpoint : every endpoint has a condition that keeps requests from it",
		"probe_passed b: ", "no_endpoint_over : ", "on_trial b: ", "probe_passed a: ", "on_trial a: ",
	}, published(u))
	require.Equal(t, 4, logs.Len())
	assert.Equal(t, "probe failed", logs.All()[0].ContextMap()["evidence"].(map[string]any)["a"])
}

// TestAReloadThatLeavesNoEligibleEndpointIsTold: no condition changes there.
func TestAReloadThatLeavesNoEligibleEndpointIsTold(t *testing.T) {
	u, _ := newLoggedUpstream(t, "a", "b")
	_, err := u.pool.SetCondition("a", balancer.ProbeFailed, true, "down")
	require.NoError(t, err)
	require.NoError(t, u.pool.Apply(u.options, []balancer.EndpointOptions{{Name: "a", URL: "http://a", Capacity: 1}}))
	u.transitions.watchEligible()
	assert.Contains(t, published(u), "no_endpoint : every endpoint has a condition that keeps requests from it")
}
