package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/metrics"
)

// startedFleet runs the demo's servers until the test ends.
func startedFleet(t *testing.T) fleet {
	servers, err := newFleet()
	require.NoError(t, err)
	parts := newStages()
	for _, s := range servers {
		parts.begin(s.Name(), s.Run)
	}
	t.Cleanup(func() { require.NoError(t, parts.end()) })
	return servers
}

// observed is a gateway's pool of two servers, small and large, and its metrics.
func observed(t *testing.T) (*balancer.Pool, *metrics.Registry) {
	t.Helper()
	pool := balancer.NewPool("chat", balancer.NewLoads())
	builder, err := policy.Lookup("capacity")
	require.NoError(t, err)
	require.NoError(t, pool.Apply(balancer.Options{Policy: builder}, []balancer.EndpointOptions{
		{Name: "small", URL: "http://127.0.0.1:1", Capacity: 100},
		{Name: "large", URL: "http://127.0.0.1:2", Capacity: 300},
	}))
	return pool, metrics.New(metrics.Build{})
}

func TestReadingsComeFromTheGateway(t *testing.T) {
	pool, registry := observed(t)
	small := registry.Endpoint("chat", "small")
	small.Answered(200, 300*time.Millisecond, 1, 1)
	small.Answered(502, 100*time.Millisecond, 1, 1)
	small.Answered(101, 0, 1, 1) // a tunnel has no response time
	registry.Endpoint("other", "small").Answered(200, time.Hour, 1, 1)
	lease, err := pool.Acquire(&balancer.Request{})
	require.NoError(t, err)

	got, err := read(pool.Snapshot(), registry, time.Now())
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, int64(1), got[0].inFlight+got[1].inFlight)
	lease.Release(balancer.Outcome{})
	got, err = read(pool.Snapshot(), registry, time.Now())
	require.NoError(t, err)
	require.Equal(t, []reading{
		{name: "small", capacity: 100, share: 0.25, health: "up", requests: 3, responses: 2, responseSeconds: 0.4},
		{name: "large", capacity: 300, share: 0.75, health: "up"},
	}, got)

	registry.Observe(func() []metrics.EndpointState {
		return []metrics.EndpointState{{Upstream: "chat", Endpoint: "small", Busy: true}, {Upstream: "chat", Endpoint: "large"}}
	})
	got, err = read(pool.Snapshot(), registry, time.Now())
	require.NoError(t, err)
	require.Equal(t, "up, busy", got[0].health)
	require.Equal(t, "up", got[1].health)

	_, err = pool.SetCondition("small", balancer.ProbeFailed, true, "status 503")
	require.NoError(t, err)
	got, err = read(pool.Snapshot(), registry, time.Now().Add(7*time.Second))
	require.NoError(t, err)
	require.True(t, got[0].out)
	require.Zero(t, got[0].share)
	require.Equal(t, "OUT, probe failed 7 s: status 503", got[0].health)
	require.Equal(t, 1.0, got[1].share)
}

// A server that refuses connections gets no requests before any probe fails, and the table
// says why.
func TestUnreachableEndpointIsShown(t *testing.T) {
	pool, registry := observed(t)
	large := pool.Snapshot().Endpoints[1].Endpoint
	lease, err := pool.Acquire(&balancer.Request{Exclude: []*balancer.Endpoint{large}})
	require.NoError(t, err)
	lease.Release(balancer.Outcome{Class: balancer.ConnectFailed})

	got, err := read(pool.Snapshot(), registry, time.Now())
	require.NoError(t, err)
	require.Equal(t, "unreachable", got[0].health)
	require.False(t, got[0].out)
	require.Equal(t, "up", got[1].health)

	_, err = pool.SetCondition("small", balancer.ProbeFailed, true, "connection refused")
	require.NoError(t, err)
	got, err = read(pool.Snapshot(), registry, time.Now().Add(2*time.Second))
	require.NoError(t, err)
	require.Equal(t, "OUT, probe failed 2 s: connection refused; unreachable", got[0].health)
}

func TestSeriesLines(t *testing.T) {
	name, labels, value, ok := parseSeries(`steelyard_requests_total{code="2xx",endpoint="small",upstream="chat"} 1.5e+02`)
	require.True(t, ok)
	require.Equal(t, "steelyard_requests_total", name)
	require.Equal(t, 150.0, value)
	require.Equal(t, "small", label(labels, "endpoint"))
	require.Equal(t, "chat", label(labels, "upstream"))
	require.Empty(t, label(labels, "point"))
	for _, line := range []string{"", "# HELP x{y} z", "go_goroutines 8", `x{y="z"}`, `x{y="z"} much`} {
		_, _, _, ok := parseSeries(line)
		require.False(t, ok, line)
	}
}

func TestPartsEndInTheOppositeOrder(t *testing.T) {
	var order []string
	part := func(name string, err error) func(context.Context) error {
		return func(ctx context.Context) error {
			<-ctx.Done()
			order = append(order, name)
			return err
		}
	}
	parts := newStages()
	parts.begin("first", part("first", errors.New("broke")))
	parts.begin("second", part("second", context.Canceled))
	parts.begin("third", part("third", nil))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, parts.wait(ctx))
	require.EqualError(t, parts.end(), "first: broke")
	require.Equal(t, []string{"third", "second", "first"}, order)
}

func TestPartThatStopsByItselfStopsTheDemo(t *testing.T) {
	parts := newStages()
	parts.begin("load", func(context.Context) error { return nil })
	require.EqualError(t, parts.wait(t.Context()), "load stopped by itself")
	require.NoError(t, parts.end())

	parts = newStages()
	parts.begin("gateway", func(context.Context) error { return errors.New("accept: broke") })
	require.NoError(t, parts.wait(t.Context()))
	require.EqualError(t, parts.end(), "gateway: accept: broke")
}

func TestGuide(t *testing.T) {
	// Ports differ from run to run; the golden text has names in their place.
	servers := startedFleet(t)
	where := places{gateway: "http://127.0.0.1:8080", admin: "http://127.0.0.1:9090", fleet: servers}
	requireGolden(t, "guide.txt", withoutPorts(where.guide(settings{}), servers))
	require.Contains(t, where.guide(settings{noLoad: true}), "none (--no-load)")
}

// withoutPorts replaces each server's URL by one of the same length on port 9000x.
func withoutPorts(text string, servers fleet) string {
	for i, s := range servers {
		stand := fmt.Sprintf("http://127.0.0.1:9%0*d", len(s.URL())-len("http://127.0.0.1:9"), i+1)
		text = strings.ReplaceAll(text, s.URL(), stand)
	}
	return text
}
