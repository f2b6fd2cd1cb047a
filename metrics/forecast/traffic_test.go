package forecast

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// run steps from one time to another, with so many requests in each minute.
func run(t *Traffic, from, to time.Time, perMinute int, row usage.Row) {
	for at := from; at.Before(to); at = at.Add(time.Minute) {
		for range perMinute {
			r := row
			r.At = at
			t.Add(&r)
		}
		t.Step(at.Add(time.Minute))
	}
}

func TestTrafficIsCounted(t *testing.T) {
	f := New(Options{})
	run(f, monday, monday.Add(2*time.Hour), 30, usage.Row{Upstream: "chat", Status: 200, Work: 2})
	u := f.upstreams["chat"]
	at := monday.Add(time.Hour)
	assert.InDelta(t, 0.5, u.arrivals.Value(at), 1e-9)
	assert.InDelta(t, 1, u.work.Value(at), 1e-9)
	assert.True(t, math.IsNaN(u.arrivals.Value(monday)), "the first step was not seen whole")
	outlooks := f.Outlooks()
	require.Len(t, outlooks, 1)
	assert.NotEmpty(t, outlooks[0].Arrivals.Points)
}

func TestRetriesAreNoDemand(t *testing.T) {
	f := New(Options{})
	run(f, monday, monday.Add(time.Hour), 30, usage.Row{Upstream: "chat", Status: 200, Retry: 1})
	assert.Zero(t, f.upstreams["chat"].arrivals.Value(monday.Add(30*time.Minute)))
}

func TestOutagesAreGaps(t *testing.T) {
	f := New(Options{})
	run(f, monday, monday.Add(time.Hour), 30, usage.Row{Upstream: "chat", Status: 200})
	run(f, monday.Add(time.Hour), monday.Add(2*time.Hour), 30, usage.Row{Upstream: "chat", Status: 503, Failure: "no_endpoint"})
	v := f.upstreams["chat"].arrivals
	assert.False(t, math.IsNaN(v.Value(monday.Add(30*time.Minute))))
	assert.True(t, math.IsNaN(v.Value(monday.Add(90*time.Minute))), "most failed")
	assert.InDelta(t, 0.5, v.Ahead(Lead).P50, 0.01, "an outage is no quiet hour")
}

func TestLateRequestsCount(t *testing.T) {
	f := New(Options{})
	run(f, monday, monday.Add(time.Hour), 30, usage.Row{Upstream: "chat", Status: 200})
	at := monday.Add(20 * time.Minute)
	before := f.upstreams["chat"].arrivals.Value(at)
	f.Add(&usage.Row{Upstream: "chat", Status: 200, At: at, Response: 40 * time.Minute})
	f.Step(monday.Add(time.Hour + 10*time.Second))
	assert.InDelta(t, before+1.0/300, f.upstreams["chat"].arrivals.Value(at), 1e-9)
}

func TestClockJumps(t *testing.T) {
	f := New(Options{})
	now := monday.Add(time.Hour)
	run(f, monday, now, 30, usage.Row{Upstream: "chat", Status: 200})
	f.Step(now.Add(-3 * time.Hour)) // back
	f.Step(now.Add(time.Minute))
	run(f, now.Add(12*time.Hour), now.Add(13*time.Hour), 30, usage.Row{Upstream: "chat", Status: 200})
	v := f.upstreams["chat"].arrivals
	assert.True(t, math.IsNaN(v.Value(now.Add(6*time.Hour))), "nobody watched")
	assert.InDelta(t, 0.5, v.Value(now.Add(12*time.Hour+30*time.Minute)), 1e-9)
}

func TestUpstreamsComeAndGo(t *testing.T) {
	f := New(Options{})
	f.Keep([]string{"a", "b"})
	f.Keep([]string{"b", "c"})
	var names []string
	for _, o := range f.Outlooks() {
		names = append(names, o.Upstream)
	}
	assert.Equal(t, []string{"b", "c"}, names)
	arrivals, _ := f.Ahead("gone", Lead)
	assert.True(t, math.IsNaN(arrivals.P50))
}
