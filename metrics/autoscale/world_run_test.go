package autoscale

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func constant(rate float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return rate }
}

// TestSteadyWorkMovesNothing: once there are as many as are needed, nothing is started or stopped any more.
func TestSteadyWorkMovesNothing(t *testing.T) {
	for _, rate := range []float64{0.1, 0.69, 0.71, 1.4, 2.1, 5, 13} {
		w := newWorld(Settings{Max: 100}, 1, 1)
		w.rate, w.even = constant(rate), true
		w.run(time.Hour)
		w.turns, w.outs, w.ins = 0, 0, 0
		w.run(3 * time.Hour)
		assert.Zero(t, w.outs+w.ins, "at %v: %s", rate, w.decision.Reason)
		need := rate + 0.3/math.Sqrt(0.7)*math.Sqrt(rate) // for 0.7 that is one
		assert.GreaterOrEqual(t, 1.1*float64(w.decision.Now)+0.01, need, "enough are there")
		assert.LessOrEqual(t, float64(w.decision.Now), need+2.2, "and not many more")
	}
}

// TestChanceIsNotFollowed: with requests that come and take as chance will have it, few servers are started or stopped.
func TestChanceIsNotFollowed(t *testing.T) {
	hours := 8.0
	if testing.Short() {
		hours = 2
	}
	for seed, rate := range []float64{0.3, 1.5, 5, 12} {
		w := newWorld(Settings{Max: 100}, int(rate/0.7)+1, uint64(seed)) // what waits for the first starts is no matter of chance
		w.rate = constant(rate)
		w.run(time.Duration(hours * float64(time.Hour)))
		assert.Less(t, float64(w.turns)/hours, 3.0, "turns in an hour at %v", rate)
		assert.Less(t, w.late(2), 0.01, "requests that wait for longer than 2 s at %v", rate)
		assert.Less(t, w.hours/hours, rate/0.7+2.2, "servers at %v", rate)
	}
}

// TestSwingsAreBounded: whatever the load does, the direction changes a few times in an hour at most, and no more often than the
// load's.
func TestSwingsAreBounded(t *testing.T) {
	for _, minutes := range []int{1, 7, 20} {
		w := newWorld(Settings{Max: 30}, 1, 3)
		w.rate = func(at time.Duration) float64 {
			if int(at.Minutes())/minutes%2 == 0 {
				return 0.5
			}
			return 6
		}
		w.run(6 * time.Hour)
		assert.LessOrEqual(t, w.turns, 6*9, "with a change every %d minutes", minutes)
	}
}

// TestAStepIsFollowedAtOnce, and what waited until servers were there is worked off.
func TestAStepIsFollowedAtOnce(t *testing.T) {
	w := newWorld(Settings{Max: 50}, 2, 5)
	w.rate = func(at time.Duration) float64 {
		if at < time.Hour {
			return 1
		}
		return 9
	}
	w.run(time.Hour + time.Minute)
	assert.Greater(t, w.decision.Now, 6, w.decision.Reason)
	w.run(5 * time.Minute)
	assert.Empty(t, w.queue)
	assert.GreaterOrEqual(t, len(w.servers), 12)
	assert.LessOrEqual(t, len(w.servers), 26, "no more than twice what is needed, for a while")
	w.run(2 * time.Hour)
	assert.LessOrEqual(t, len(w.servers), 15)
}

// TestADayIsFollowed with few requests that wait, and servers that are busy.
func TestADayIsFollowed(t *testing.T) {
	w := newWorld(Settings{Max: 50}, 2, 5)
	w.rate = func(at time.Duration) float64 { return 5 - 4*math.Cos(2*math.Pi*at.Hours()/24) }
	w.run(24 * time.Hour)
	assert.Less(t, w.late(2), 0.001)
	assert.Less(t, w.hours, 1.35*24*5/0.7)
}

// TestToZeroAndBack: the last one goes when nothing has come for long, and the first request brings one back.
func TestToZeroAndBack(t *testing.T) {
	w := newWorld(Settings{Max: 5, ZeroAfter: 15 * time.Minute}, 1, 5)
	busy := true
	w.rate = func(time.Duration) float64 {
		if busy {
			return 0.5
		}
		return 0
	}
	w.run(20 * time.Minute)
	require.NotEmpty(t, w.servers)
	busy = false
	w.run(14 * time.Minute)
	require.NotEmpty(t, w.servers, w.decision.Reason)
	w.run(2 * time.Minute)
	require.Empty(t, w.servers, w.decision.Reason)
	busy = true
	w.run(6 * time.Second)
	require.Len(t, w.starting, 1, w.decision.Reason)
	assert.Contains(t, w.decision.Reason, "0 → 1: ")
	w.run(2 * time.Minute)
	assert.NotEmpty(t, w.servers)
	assert.Zero(t, len(w.queue))
}
