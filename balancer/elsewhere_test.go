package balancer

import (
	"testing"

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
