package app

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/event"
	"github.com/steelyard-proxy/steelyard/proxy/admission"
)

// TestOverloadIsToldOnce at its beginning and once at its end, however many requests it costs.
func TestOverloadIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var list []event.Event // guarded by mu
		told := func() []event.Event {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(list)
		}
		tell := func(e event.Event) {
			mu.Lock()
			defer mu.Unlock()
			list = append(list, e)
		}
		var guard admission.Guard
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		o := &overload{guard: &guard, events: event.NewLog(tell)}
		go func() { ended <- o.run(ctx) }()
		pass := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
		one := admission.Class{Requests: 1}
		require.Equal(t, admission.Admitted, guard.Enter(one))
		pass(5 * time.Second)
		require.Empty(t, told())

		for range 8 {
			guard.Enter(one)
			guard.Enter(one)
			pass(2 * time.Second)
		}
		require.Len(t, told(), 1)
		require.Equal(t, event.Shed, told()[0].Kind)
		require.Contains(t, told()[0].Cause, "limits.requests")
		pass(9 * time.Second)
		require.Len(t, told(), 2)
		require.Equal(t, event.ShedOver, told()[1].Kind)
		require.EqualValues(t, 16, told()[1].Evidence["turned_away"])
		pass(time.Minute)
		require.Len(t, told(), 2)
		guard.Enter(one)
		pass(time.Second)
		require.Len(t, told(), 3)
		stop()
		require.NoError(t, <-ended)
	})
}
