package outlier

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A server that is a little slow and fails a little stands apart from its fleet, though it passes
// no limit.
func TestClusterFindsWhatNoLimitDoes(t *testing.T) {
	servers := unequal(10, 0.05)
	o := usual()
	o.Enforced[Cluster], o.Consecutive = true, 0
	f := newFleet(13, o, servers...)
	f.rate, f.work = 0.5*capacityOf(servers), exponential
	f.passes(300)
	require.Empty(t, actions(f.told))
	sick := servers[3]
	sick.slower, sick.failsRatio = 1.8, 0.25
	f.passes(120)
	require.Equal(t, []string{"eject d cluster"}, actions(f.told))
	assert.Contains(t, f.told[0].Reason, "it stands apart from the other 9 by its ")
	assert.Contains(t, f.told[0].Evidence, "failures_deviations")

	o.Enforced[Cluster] = false
	servers = unequal(10, 0.05)
	f = newFleet(13, o, servers...)
	f.rate, f.work = 0.5*capacityOf(servers), exponential
	f.passes(300)
	sick = servers[3]
	sick.slower, sick.failsRatio = 1.8, 0.25
	f.passes(120)
	require.Equal(t, []string{"would eject d cluster"}, actions(f.told))
}

// standing makes a fleet of endpoints that are so much worse than its middle.
func standing(at ...[figures]float64) (list []place) {
	for _, a := range at {
		list = append(list, place{at: a})
	}
	return list
}

func TestStandApart(t *testing.T) {
	none := [figures]float64{}
	fleet := standing(none, none, none, none, none, none, none, none)
	assert.NotContains(t, standApart(fleet), true, "all alike")

	fleet[2].at = [figures]float64{2, 3, 1}
	assert.NotContains(t, standApart(fleet), true, "near enough")
	fleet[2].at = [figures]float64{3, 3, 3}
	apart := standApart(fleet)
	assert.True(t, apart[2], "no single figure says so")
	apart[2] = false
	assert.NotContains(t, apart, true)

	for i := range 3 { // they are alike, but the others are more
		fleet[i].at = [figures]float64{20, 0, 0}
	}
	assert.Equal(t, []bool{true, true, true, false, false, false, false, false}, standApart(fleet))
	fleet[3].at = [figures]float64{20, 0, 0}
	assert.NotContains(t, standApart(fleet), true, "half against half: nobody knows who is right")

	for i := range fleet { // a chain hangs together
		fleet[i].at = [figures]float64{float64(i) * 3, 0, 0}
	}
	assert.NotContains(t, standApart(fleet), true)
}
