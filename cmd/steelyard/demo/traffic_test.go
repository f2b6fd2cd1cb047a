package demo

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/load"
)

func TestClientLine(t *testing.T) {
	seen, err := newTraffic(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80})
	require.NoError(t, err)
	for i := range 3 {
		seen.ended(i, load.Sample{Status: 200, Response: 20 * time.Millisecond})
	}
	seen.ended(3, load.Sample{Failure: load.Truncated, Err: errors.New("cut")})
	const want = "The load's client saw: 3 answered, R p50 20 ms, p99 20 ms, failed 1 truncated"
	require.Equal(t, want, seen.line())
	seen.ended(4, load.Sample{Failure: load.Overflow})
	require.Equal(t, want+", not sent for lack of room 1", seen.line())
	require.Equal(t, "0", failures(map[load.Failure]int{load.Abandoned: 3}), "stopping is no failure")
	require.Equal(t, "2 refused, 1 bad status", failures(map[load.Failure]int{load.BadStatus: 1, load.Refused: 2}))
	seen.ended(5, load.Sample{Response: 24 * time.Hour})
	require.Contains(t, seen.line(), "4 answered")
}

// The load is the same in each run, without an end, and what it is said to be.
func TestArrivals(t *testing.T) {
	const n = 50_000
	work, streams, i := 0.0, 0, 0
	for r := range arrivals() {
		require.Equal(t, r.Work*unitTokens, float64(r.MaxTokens))
		work += r.Work
		if r.Stream {
			streams++
		}
		if i++; i == n {
			require.InEpsilon(t, n/loadRate(), r.At.Seconds(), 0.02)
			break
		}
	}
	require.InEpsilon(t, 1, work/n, 0.02)
	require.InEpsilon(t, 0.5, float64(streams)/n, 0.02)
	first := func() (at time.Duration) {
		for r := range arrivals() {
			return r.At
		}
		return 0
	}
	require.Equal(t, first(), first())
}
