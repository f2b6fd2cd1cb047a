package retry_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/retry"
)

// take counts how many of n retries there may be at that moment.
func take(b *retry.Budget, now time.Duration, n int, underWay int64) (taken int) {
	for range n {
		if b.Take(now, 0.2, underWay) {
			taken++
		}
	}
	return taken
}

func TestBudget(t *testing.T) {
	b := new(retry.Budget)
	require.Equal(t, 3, take(b, 0, 100, 0), "some at any time")
	for range 100 {
		b.Request(time.Second)
	}
	require.Equal(t, 17, take(b, 2*time.Second, 100, 0), "a fifth of the requests")
	require.Equal(t, 3, take(b, 10500*time.Millisecond, 100, 0), "the first three are forgotten")
	require.Equal(t, 3, take(b, time.Hour, 100, 0), "all is forgotten")
	require.Equal(t, 17, take(b, time.Hour, 100, 100), "requests that are under way count")
	require.True(t, (*retry.Budget)(nil).Take(0, 0, 0))
}

// A retry that fails uses up five.
func TestBudgetOfFailingRetries(t *testing.T) {
	b := new(retry.Budget)
	for range 1000 {
		b.Request(time.Second)
	}
	taken := 0
	for b.Take(time.Second, 0.2, 0) {
		b.Failed(time.Second)
		taken++
	}
	require.Equal(t, 40, taken)
}

// However many take at once, no more than a fifth get one.
func TestBudgetIsShared(t *testing.T) {
	b := new(retry.Budget)
	var all sync.WaitGroup
	var taken atomic.Int64
	for range 8 {
		all.Go(func() {
			for range 1000 {
				b.Request(time.Minute)
			}
		})
	}
	all.Wait()
	for range 8 {
		all.Go(func() { taken.Add(int64(take(b, time.Minute, 1000, 0))) })
	}
	all.Wait()
	require.EqualValues(t, 1600, taken.Load())
}

// In an outage of any length beyond two seconds all attempts together are less than 1.25 of the requests, also
// where it begins when everything was well for long.
func TestBudgetInAnOutage(t *testing.T) {
	const rate = 300
	b := new(retry.Budget)
	attempts, requests := 0, 0
	for i := range 60 * rate {
		now := time.Duration(i) * time.Second / rate
		b.Request(now)
		if now < 20*time.Second {
			continue
		}
		requests++
		attempts++
		for try := 1; try < 3 && b.Take(now, 0.2, 6); try++ {
			attempts++
			b.Failed(now)
		}
		if now > 22*time.Second {
			require.LessOrEqual(t, float64(attempts), 1.25*float64(requests), "after %v", now-20*time.Second)
		}
	}
}

func TestBudgetAllocatesNothing(t *testing.T) {
	b := new(retry.Budget)
	require.Zero(t, testing.AllocsPerRun(100, func() { b.Request(time.Second); b.Take(time.Second, 0.2, 0) }))
}

// That retries are refused is news once in a while.
func TestFirstRefusal(t *testing.T) {
	b := new(retry.Budget)
	require.True(t, b.FirstRefusal(time.Hour))
	require.False(t, b.FirstRefusal(time.Hour+9*time.Second))
	require.False(t, b.FirstRefusal(time.Hour+18*time.Second), "it went on")
	require.True(t, b.FirstRefusal(time.Hour+28*time.Second))
	b.Request(time.Hour)
	take(b, time.Hour, 2, 0)
	b.Failed(time.Hour)
	requests, retries, failed := b.Counts(time.Hour)
	require.Equal(t, [3]int64{1, 2, 1}, [3]int64{requests, retries, failed})
}
