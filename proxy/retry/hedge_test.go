package retry_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/retry"
)

func TestDelays(t *testing.T) {
	d := new(retry.Delays)
	for i := range 49 {
		d.See(time.Duration(i))
		require.Zero(t, d.P95(), "too few are known")
	}
	d = new(retry.Delays)
	for i := range 1000 {
		d.See(time.Duration(i) * time.Millisecond)
	}
	require.InEpsilon(t, 950*time.Millisecond, d.P95(), 0.13)
	for range 2000 {
		d.See(time.Second)
	}
	require.InEpsilon(t, time.Second, d.P95(), 0.13, "the others are forgotten")
	for _, odd := range []time.Duration{-1, 0, 1, 7, 8, 1 << 62} {
		d.See(odd)
	}
}

// Each delay lies within an eighth of what is told of it.
func TestDelaysAreNear(t *testing.T) {
	for took := time.Microsecond; took < time.Hour; took += took/3 + 1 {
		d := new(retry.Delays)
		for range 50 {
			d.See(took)
		}
		require.Greater(t, d.P95(), took)
		require.LessOrEqual(t, d.P95(), took+took/8+1)
	}
}

func TestDelaysAreShared(t *testing.T) {
	d := new(retry.Delays)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 3000 {
				d.See(time.Millisecond)
				d.P95()
			}
		})
	}
	all.Wait()
	require.InEpsilon(t, time.Millisecond, d.P95(), 0.13)
}

func TestHedge(t *testing.T) {
	var off retry.Hedge
	require.False(t, off.On())
	fixed := retry.Hedge{After: time.Second}
	require.True(t, fixed.On())
	require.Equal(t, time.Second, fixed.Delay())
	learned := retry.Hedge{Delays: new(retry.Delays)}
	require.True(t, learned.On())
	require.Zero(t, learned.Delay())
}
