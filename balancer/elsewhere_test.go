package balancer

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What other processes have in flight takes slots, and gives them back to whoever waits.
func TestElsewhereTakesSlots(t *testing.T) {
	loads := NewLoads()
	p := NewPool("p", loads)
	endpoints := []EndpointOptions{{Name: "a", URL: "http://127.0.0.1:1", Capacity: 1, Slots: 3}}
	require.NoError(t, p.Apply(Options{Policy: turns{"turns"}, Queue: testQueue}, endpoints))
	load := p.Snapshot().Endpoints[0].Endpoint.Load()
	address := serverAddress(endpoints[0].URL)

	ours, err := p.Acquire(&Request{})
	require.NoError(t, err)
	loads.SetElsewhere(map[string]int64{address: 2, "http://127.0.0.1:9": 5})
	require.EqualValues(t, 3, load.InFlight())
	require.Equal(t, map[string]int64{address: 1}, loads.Own())
	_, err = p.Acquire(&Request{})
	require.ErrorIs(t, err, ErrFull)

	loads.SetElsewhere(map[string]int64{address: 1})
	second, err := p.Acquire(&Request{})
	require.NoError(t, err)
	loads.SetElsewhere(nil)
	require.EqualValues(t, 2, load.InFlight())
	ours.Release(Outcome{})
	second.Release(Outcome{})
	require.Zero(t, load.InFlight())
	require.Empty(t, loads.Own())

	loads.SetElsewhere(map[string]int64{address: 4})
	require.NoError(t, p.Apply(Options{Policy: turns{"turns"}}, []EndpointOptions{{Name: "b", URL: "http://127.0.0.1:2", Capacity: 1}}))
	require.NoError(t, p.Apply(Options{Policy: turns{"turns"}}, endpoints))
	require.EqualValues(t, 4, p.Snapshot().Endpoints[0].Endpoint.Load().InFlight(), "a server that comes later has its requests too")
}

// The bound of a queue holds for all gateways together, each has its part whatever the others have, and one that is alone has all.
func TestQueueBoundIsShared(t *testing.T) {
	const most = 8
	for name, test := range map[string]struct{ gateways, elsewhere, want int }{
		"alone":                              {1, 0, 8},
		"nobody ever told":                   {0, 0, 8},
		"the others have none":               {4, 0, 8},
		"what the others leave":              {4, 3, 5},
		"the others have all":                {4, 8, 2},
		"the others cannot be asked":         {4, math.MaxInt32, 2},
		"more gateways than may wait":        {20, 8, 1},
		"a part that is no whole number":     {3, 100, 3},
		"others that were there are no more": {1, 5, 8},
	} {
		t.Run(name, func(t *testing.T) {
			p := newQueuePool(t, 1, QueueOptions{MaxRequests: most, MaxWait: time.Hour})
			p.SetWaitingElsewhere(test.gateways, test.elsewhere)
			leases := fill(t, p)
			for range test.want {
				w := enqueue(t, p, nil)
				defer w.Poke()
			}
			_, err := p.Enqueue(nil)
			require.ErrorIs(t, err, ErrQueueFull)
			for _, l := range leases {
				l.Release(Outcome{})
			}
		})
	}
}

// Where none may wait, no number of gateways lets one.
func TestNoQueueIsSharedAsNone(t *testing.T) {
	p := newQueuePool(t, 1, QueueOptions{})
	p.SetWaitingElsewhere(4, 0)
	fill(t, p)
	_, err := p.Enqueue(nil)
	require.ErrorIs(t, err, ErrQueueFull)
}
