package app_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// Streams live on through any number of reloads, also those on endpoints that come, go and change:
// none is cut, and nothing stays in flight.
func TestStreamsOutliveAnyNumberOfReloads(t *testing.T) {
	const reloads, streams = 100, 200
	a, b := newHolder(t), newHolder(t)
	version := func(i int) []string {
		endpoints := []string{endpoint("a", a.URL, float64(100+i))}
		if i%2 == 0 {
			endpoints = append(endpoints, endpoint("b", b.URL, 100)+fmt.Sprintf(", slots: %d", i%3*1000))
		}
		if i%7 == 0 {
			endpoints = append(endpoints, endpoint("again", a.URL, 10))
		}
		return endpoints
	}
	r := run(t, config(t, "", version(0)...))
	var under []*stream
	for i := range reloads {
		for range streams / reloads {
			under = append(under, open(t, r))
		}
		require.NoError(t, r.Reload(config(t, fmt.Sprintf("timeouts: {upgrade_idle: %dm}", 1+i), version(i+1)...)))
	}
	require.NoError(t, r.Reload(config(t, "", version(0)...)))
	total := func() (n int64) {
		seen := map[string]bool{}
		for _, e := range r.Snapshots()[0].Endpoints {
			if !seen[e.Endpoint.URL()] {
				n += e.Endpoint.Load().InFlight()
			}
			seen[e.Endpoint.URL()] = true
		}
		return n
	}
	require.EqualValues(t, streams, total())
	a.release()
	b.release()
	for _, s := range under {
		rest, err := s.end()
		require.NoError(t, err)
		require.Equal(t, "last\n", rest)
	}
	eventually(t, "nothing is in flight", func() bool { return total() == 0 })
}
