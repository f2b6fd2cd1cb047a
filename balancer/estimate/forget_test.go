package estimate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestForget changes the unit of work 300-fold while two equal servers are measured, and brings
// a third in only then. Capacities stay what they were until they are measured anew.
func TestForget(t *testing.T) {
	options := auto(4, 1)
	options[3] = Options{Capacity: 40, Slots: 1}
	u := New(options)
	finish := func(unit float64, endpoints ...int) {
		for range 100 {
			for _, i := range endpoints {
				u.Meter(i).Finished(unit*float64(1+i), 20*time.Millisecond, 1)
			}
		}
	}
	finish(300, 0, 1)
	before := u.Tick(time.Second)
	require.InDelta(t, 200/3., before[0].Capacity, 1e-9)
	scale := u.Scale()
	finish(300, 0, 1)
	u.Forget()
	require.Equal(t, before, u.Values())
	require.Equal(t, before, u.Tick(time.Second), "what was finished before is forgotten")
	require.Equal(t, scale, u.Scale(), "requests/s have the unit that they had")
	finish(1, 0, 1, 2)
	now := u.Tick(time.Second)
	for i, v := range now[:3] {
		require.InDelta(t, float64(1+i)*300*(200./3+400./3+100)/300/6, v.Capacity, 1e-9)
	}
	finish(1, 3)
	require.InDelta(t, 40, u.Tick(time.Second)[3].Capacity, 1e-9)
	require.InDelta(t, 10, u.Values()[0].Capacity, 1e-9, "by the endpoint whose capacity is configured")
}

// TestForgetKeepsTheSlots: how many requests a server works on at once has no unit.
func TestForgetKeepsTheSlots(t *testing.T) {
	options := auto(1, 0)
	options[0].AutoSlots = true
	f := newFleet(4, 400, options, &server{rate: 100, slots: 8})
	f.run(60)
	before := f.upstream.Values()
	f.upstream.Forget()
	require.Equal(t, before, f.upstream.Values())
	f.predict = func(work float64) float64 { return work / 300 }
	for range 30 {
		f.run(1)
		require.InDelta(t, 8, f.values[0].Slots, 4)
	}
}
