//go:build linux

package wire

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func start(t *testing.T) (*Loop, *Upstream) {
	loop, err := NewLoop()
	require.NoError(t, err)
	t.Cleanup(loop.Close)
	up, err := loop.Serve(2)
	require.NoError(t, err)
	return loop, up
}

func TestCallsCloseAndOpenLoop(t *testing.T) {
	loop, up := start(t)
	ctx := t.Context()
	calls, err := loop.Dial(ctx, up.Addrs()[1], 100)
	require.NoError(t, err)
	require.Equal(t, 100, calls.Answered, "one on each connection")

	calls.Saturate()
	require.NoError(t, loop.RunUntil(ctx, time.Minute, "wait for work", func() bool { return calls.Answered >= 1000 }))
	require.NoError(t, calls.Settle(ctx, time.Minute))
	require.Equal(t, up.Requests, calls.Answered)

	// 300 strikes are due within the time whether or not the loop gets to them on the beat.
	before := calls.Answered
	calls.Times = make([]int64, 0, 1000)
	require.NoError(t, loop.Run(ctx, 30*time.Millisecond, &Beat{Gap: 100 * time.Microsecond, Do: calls.Ask}))
	require.NoError(t, calls.Settle(ctx, time.Minute))
	require.Equal(t, 300, calls.Answered-before)
	require.Len(t, calls.Times, 300)
}

// More requests fall due than there are connections: the rest wait, and their time counts from when they were due.
func TestWaitingCountsFromTheIntendedStart(t *testing.T) {
	loop, up := start(t)
	calls, err := loop.Dial(t.Context(), up.Addrs()[0], 1)
	require.NoError(t, err)
	calls.Times = make([]int64, 0, 10)
	due := loop.Now() - int64(time.Second)
	for range 5 {
		calls.Ask(due)
	}
	require.NoError(t, calls.Settle(t.Context(), time.Minute))
	require.Len(t, calls.Times, 5)
	for _, took := range calls.Times {
		require.GreaterOrEqual(t, took, int64(time.Second))
	}
}

func TestStreams(t *testing.T) {
	loop, up := start(t)
	up.Streaming = true
	ctx := t.Context()
	streams, err := loop.Stream(ctx, up.Addrs()[0], 70)
	require.NoError(t, err)
	require.Equal(t, 70, streams.Chunks)
	require.Equal(t, 70, up.Open())

	streams.Delays = make([]int64, 0, 1000)
	require.NoError(t, loop.Run(ctx, 20*time.Millisecond, &Beat{Gap: 100 * time.Microsecond, Do: up.Chunk}))
	require.NoError(t, loop.RunUntil(ctx, time.Minute, "wait for chunks", func() bool { return streams.Chunks == up.Chunks }))
	require.Len(t, streams.Delays, 200)
	require.Positive(t, streams.Delays[0])

	streams.Close()
	require.NoError(t, loop.RunUntil(ctx, time.Minute, "wait for the end", func() bool { return up.Open() == 0 }))
}

func TestARoundWithAnErrorFails(t *testing.T) {
	loop, up := start(t)
	up.Proxied = true // nobody adds X-Forwarded-For here
	_, err := loop.Dial(t.Context(), up.Addrs()[0], 1)
	require.ErrorContains(t, err, "X-Forwarded-For")
	up.Proxied = false

	up.Streaming = true
	streams, err := loop.Stream(t.Context(), up.Addrs()[0], 3)
	require.NoError(t, err)
	up.HangUp()
	require.ErrorContains(t, loop.Run(t.Context(), time.Minute, nil), "ended by the proxy")
	streams.Close()
}

func TestRunEndsWithItsContext(t *testing.T) {
	loop, _ := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, loop.Run(ctx, time.Hour, nil), context.Canceled)
}

func TestDialNobody(t *testing.T) {
	loop, _ := start(t)
	_, err := loop.Dial(t.Context(), netip.MustParseAddrPort("127.0.0.1:1"), 1)
	require.ErrorContains(t, err, "connection refused")
}
