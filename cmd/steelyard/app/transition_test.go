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
)

// newLoggedUpstream has one upstream's log and its pool, which has endpoints of these names.
func newLoggedUpstream(t *testing.T, names ...string) (*upstream, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	f := newFleet(zap.New(core), metrics.New(metrics.Build{}))
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
		lease.Release(balancer.Outcome{Class: balancer.ConnectFailed})
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
		assert.Equal(t, "warn : no endpoint can be reached: requests go to all of them as if nothing were known", lines[2])
		assert.ElementsMatch(t, []string{"info a" + back, "info b" + back, "info : requests no longer go to endpoints that cannot be reached"}, lines[3:])
	})
}

// TestTransitionLogIsBounded: an endpoint that comes and goes does not fill the disk, and the
// next line says how many are missing.
func TestTransitionLogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		l := newTransitionLog(zap.New(core), "chat")
		for i := range 1000 {
			l.told(balancer.Transition{Endpoint: "a", Condition: balancer.Unreachable, On: i%2 == 0, After: time.Second})
		}
		require.Equal(t, linesAtOnce, logs.Len())
		time.Sleep(lineEvery)
		l.told(balancer.Transition{Endpoint: "a", Condition: balancer.Unreachable, On: true})
		last := logs.All()[logs.Len()-1]
		assert.Equal(t, zapcore.WarnLevel, last.Level)
		assert.Equal(t, int64(1000-linesAtOnce), last.ContextMap()["lines_left_out"])
	})
}

// TestWhatOthersLogIsNotLoggedTwice: probes and operators say it themselves.
func TestWhatOthersLogIsNotLoggedTwice(t *testing.T) {
	u, logs := newLoggedUpstream(t, "a", "b")
	for _, c := range []balancer.Condition{balancer.Draining, balancer.ProbeFailed} {
		_, err := u.pool.SetCondition("a", c, true, "")
		require.NoError(t, err)
	}
	assert.Zero(t, logs.Len())
}
