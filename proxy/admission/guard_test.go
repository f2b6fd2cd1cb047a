package admission_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/admission"
)

func TestClasses(t *testing.T) {
	limits := admission.Limits{Requests: 1000, Memory: 500}
	assert.Equal(t, map[uint8]admission.Class{5: {1000, 500}}, limits.Classes([]uint8{5, 5}), "one priority has all")
	assert.Equal(t, map[uint8]admission.Class{0: {800, 400}, 5: {900, 450}, 9: {1000, 500}}, limits.Classes([]uint8{9, 0, 5, 0}))
	assert.Equal(t, map[uint8]admission.Class{0: {}, 9: {}}, admission.Limits{}.Classes([]uint8{0, 9}), "no limit is none for anybody")
	assert.Equal(t, map[uint8]admission.Class{0: {1, 1}, 9: {1, 1}}, admission.Limits{Requests: 1, Memory: 1}.Classes([]uint8{0, 9}))
	assert.Empty(t, limits.Classes(nil))
}

// TestLowPrioritiesGoFirst: what is left when the low ones are turned away is for the high ones.
func TestLowPrioritiesGoFirst(t *testing.T) {
	classes := admission.Limits{Requests: 10}.Classes([]uint8{1, 7})
	var g admission.Guard
	for range 8 {
		require.Equal(t, admission.Admitted, g.Enter(classes[1]))
	}
	require.Equal(t, admission.ManyRequests, g.Enter(classes[1]))
	require.Equal(t, admission.Admitted, g.Enter(classes[7]))
	require.Equal(t, admission.Admitted, g.Enter(classes[7]))
	require.Equal(t, admission.ManyRequests, g.Enter(classes[7]))
	require.EqualValues(t, 10, g.Requests(), "who is turned away does not count")
	require.EqualValues(t, 2, g.Turned(admission.ManyRequests))
	require.Zero(t, g.Turned(admission.LittleMemory))
	for range 3 {
		g.Leave()
	}
	require.Equal(t, admission.Admitted, g.Enter(classes[1]))
	require.Equal(t, admission.Admitted, g.Enter(admission.Class{}))
}

// TestNoMoreThanTheLimit holds with many at once, and all is zero afterwards.
func TestNoMoreThanTheLimit(t *testing.T) {
	const limit = 16
	var g admission.Guard
	var inside, most, turned atomic.Int64
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			for range 500 {
				if g.Enter(admission.Class{Requests: limit}) != admission.Admitted {
					turned.Add(1)
					continue
				}
				n := inside.Add(1)
				for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
				}
				inside.Add(-1)
				g.Leave()
			}
		})
	}
	all.Wait()
	assert.LessOrEqual(t, most.Load(), int64(limit))
	assert.Zero(t, g.Requests())
}

// TestMemory is measured again and again, so that what is freed lets requests in again.
func TestMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		classes := admission.Limits{Memory: 1000}.Classes([]uint8{0, 5})
		var g admission.Guard
		require.Equal(t, admission.Admitted, g.Enter(classes[0]), "before the first measurement nothing is known")
		var used atomic.Int64
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- g.Run(ctx, used.Load) }()
		for _, c := range []struct {
			used      int64
			low, high admission.Reason
		}{
			{799, admission.Admitted, admission.Admitted},
			{800, admission.LittleMemory, admission.Admitted},
			{1000, admission.LittleMemory, admission.LittleMemory},
			{10, admission.Admitted, admission.Admitted},
		} {
			used.Store(c.used)
			time.Sleep(time.Second)
			synctest.Wait()
			assert.Equal(t, c.low, g.Enter(classes[0]), c.used)
			assert.Equal(t, c.high, g.Enter(classes[5]), c.used)
			assert.Equal(t, c.used, g.Memory())
		}
		stop()
		require.NoError(t, <-ended)
	})
}

// TestHeapInUse: what is alive counts once it has been looked at, and garbage does not.
func TestHeapInUse(t *testing.T) {
	require.Positive(t, admission.HeapInUse())
	require.Less(t, admission.HeapInUse(), int64(1)<<30)
}

// TestSharedByGateways: each takes what the others leave, and has its part whatever they have.
func TestSharedByGateways(t *testing.T) {
	for name, test := range map[string]struct {
		gateways  int
		elsewhere int64
		want      int
	}{
		"alone":                      {1, 0, 10},
		"the others have none":       {4, 0, 10},
		"what the others leave":      {4, 4, 6},
		"the others have all":        {4, 10, 3},
		"the others cannot be asked": {4, admission.Unknown, 3},
		"many gateways":              {50, admission.Unknown, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var g admission.Guard
			g.SetElsewhere(test.gateways, test.elsewhere)
			for range test.want {
				require.Equal(t, admission.Admitted, g.Enter(admission.Class{Requests: 10}))
			}
			require.Equal(t, admission.ManyRequests, g.Enter(admission.Class{Requests: 10}))
			require.Equal(t, admission.Admitted, g.Enter(admission.Class{}), "no limit is shared as none")
		})
	}
}

// TestOfClient: what one address may have is shared out, as no gateway knows what the others give it.
func TestOfClient(t *testing.T) {
	var g admission.Guard
	assert.EqualValues(t, 10, g.OfClient(10))
	g.SetElsewhere(4, 0)
	assert.EqualValues(t, 3, g.OfClient(10))
	assert.EqualValues(t, 1, g.OfClient(1))
	assert.Zero(t, g.OfClient(0), "no bound")
	g.SetElsewhere(1, 0)
	assert.EqualValues(t, 10, g.OfClient(10))
}
