package stats

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMedian(t *testing.T) {
	assert.Zero(t, Median(nil))
	assert.Equal(t, 2.0, Median([]float64{3, 1, 2}))
	assert.Equal(t, 2.5, Median([]float64{4, 1, 2, 3}))
}

func TestRound(t *testing.T) {
	for v, want := range map[float64]float64{0: 0, 1234: 1230, 0.012345: 0.0123, -9.996: -10, math.Inf(1): 0} {
		assert.Equal(t, want, Round(v), v)
	}
	assert.Zero(t, Round(math.NaN()))
}

func TestAngle(t *testing.T) {
	assert.Zero(t, Angle(-1))
	assert.Equal(t, math.Pi/2, Angle(7))
	assert.InDelta(t, math.Pi/4, Angle(0.5), 1e-12)
}

// TestApart: those outside of what more than half have in common; where nobody knows who is right, nobody.
func TestApart(t *testing.T) {
	at := func(values ...float64) (points [][3]float64) {
		for _, v := range values {
			points = append(points, [3]float64{v, 0, 0})
		}
		return points
	}
	assert.Empty(t, Apart(nil, 4, 3))
	assert.Equal(t, []bool{false, false, false, true}, Apart(at(0, 3, 6, 11), 4, 3), "a chain is one cluster")
	assert.NotContains(t, Apart(at(0, 0, 0, 50, 50, 50), 4, 3), true, "half against half")
	assert.NotContains(t, Apart(at(0, 10, 20, 30), 4, 3), true, "no cluster at all")
}

// TestThinning takes exactly one of each so many in a row, and each place as often as any other.
func TestThinning(t *testing.T) {
	var all Thinning
	for range 10 {
		assert.True(t, all.Takes())
	}
	assert.Equal(t, 1, all.Every())
	thin := NewThinning(7)
	places := [7]int{}
	for range 7000 {
		took := 0
		for place := range places {
			if thin.Takes() {
				took++
				places[place]++
			}
		}
		assert.Equal(t, 1, took)
	}
	for _, n := range places {
		assert.InDelta(t, 1000, n, 300) // ten standard deviations
	}
}
