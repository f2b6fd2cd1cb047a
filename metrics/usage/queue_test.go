package usage

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestRowsAreHandedOn in their order, to all, within a second.
func TestRowsAreHandedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var first, second []int
		statuses := func(of *[]int) func([]Row) {
			return func(rows []Row) {
				for i := range rows {
					*of = append(*of, rows[i].Status)
				}
			}
		}
		q := NewQueue(nil, statuses(&first), statuses(&second))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- q.Run(ctx) }()
		for i := range 3 {
			q.Add(&Row{Status: i})
		}
		time.Sleep(pauseTime + time.Millisecond)
		synctest.Wait()
		require.Equal(t, []int{0, 1, 2}, first)
		q.Add(&Row{Status: 3})
		cancel()
		require.NoError(t, <-done)
		require.Equal(t, []int{0, 1, 2, 3}, first)
		require.Equal(t, first, second)
		q.Add(&Row{})
		require.EqualValues(t, 1, q.Dropped())
	})
}

// TestAFullQueueDrops and counts, and nobody waits.
func TestAFullQueueDrops(t *testing.T) {
	var dropped atomic.Int64
	taken := 0
	q := NewQueue(func() { dropped.Add(1) }, func(rows []Row) { taken += len(rows) })
	for range mostRows + 10 {
		q.Add(&Row{})
	}
	require.EqualValues(t, 10, dropped.Load())
	require.EqualValues(t, 10, q.Dropped())
	q.Step()
	require.Equal(t, mostRows, taken)
	q.Add(&Row{})
	q.Step()
	require.Equal(t, mostRows+1, taken)
}

// TestAddAllocatesNothing: it is called by requests.
func TestAddAllocatesNothing(t *testing.T) {
	q := NewQueue(nil, func([]Row) {})
	r := fullRow(1)
	require.Zero(t, testing.AllocsPerRun(100, func() { q.Add(&r) }))
}

func BenchmarkAdd(b *testing.B) {
	q := NewQueue(nil, func([]Row) {})
	r := fullRow(1)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		q.Add(&r)
		if i%mostRows == mostRows-1 {
			q.Step()
		}
	}
}

// TestRetriesAreFound: by what the client says, or else by the same body within a minute of a failure.
func TestRetriesAreFound(t *testing.T) {
	at := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	row := func(after time.Duration, status int, hash uint64) *Row {
		return &Row{At: at.Add(after), Status: status, PromptHash: hash, User: "user:a", Model: "m", Response: time.Second}
	}
	var f failed
	find := func(r *Row) int {
		f.find(r)
		return r.Retry
	}
	require.Zero(t, find(row(0, 503, 1)))
	require.Zero(t, find(row(2*time.Second, 503, 2)), "another body")
	require.Equal(t, 1, find(row(3*time.Second, 200, 1)))
	require.Zero(t, find(row(5*time.Second, 200, 1)), "it was answered")
	require.Equal(t, 1, find(row(60*time.Second, 499, 2)), "within a minute of the end of the failed one")
	require.Zero(t, find(row(122*time.Second, 200, 2)), "too late")
	require.Zero(t, find(row(130*time.Second, 503, 0)), "a body that is not known")
	require.Zero(t, find(row(131*time.Second, 503, 0)))
	other := row(3*time.Second, 200, 1)
	find(row(0, 503, 1))
	other.User = "user:b"
	require.Zero(t, find(other))
	said := row(4*time.Second, 200, 1)
	said.RetrySaid = true
	require.Zero(t, find(said), "the client says that it is none")
	for i := range 3 * mostFailed {
		find(row(0, 503, uint64(i+1000)))
	}
	require.LessOrEqual(t, len(f.until), mostFailed)
}
