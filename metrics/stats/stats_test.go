package stats

import (
	"math"
	"math/rand/v2"
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

// TestApartByDefinition: whoever is linked to the largest cluster by points with company is in it.
func TestApartByDefinition(t *testing.T) {
	const near, company = 4.0, 3
	chance, some := rand.New(rand.NewPCG(3, 4)), 0
	for range 300 {
		points := make([][3]float64, 4+chance.IntN(40))
		for i := range points {
			for d := range points[i] {
				points[i][d] = 3 * max(chance.NormFloat64(), 0) * float64(1+chance.IntN(2))
			}
		}
		got := Apart(points, near, company)
		in := 0
		for i := range points {
			if !got[i] {
				in++
			} else {
				some++
			}
		}
		if in == len(points) {
			continue
		}
		leads := make([]bool, len(points))
		for i := range points {
			n := 0
			for j := range points {
				if distance(points[i], points[j]) <= near {
					n++
				}
			}
			leads[i] = n >= company
		}
		assert.Greater(t, 2*in, len(points))
		for i := range points {
			for j := range points {
				if leads[i] && !got[i] && distance(points[i], points[j]) <= near {
					assert.False(t, got[j], "%v is near to %v, which leads", points[j], points[i])
				}
			}
		}
	}
	assert.Greater(t, some, 300)
}

func distance(a, b [3]float64) float64 {
	return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
}

// BenchmarkApart is a calm fleet of a thousand.
func BenchmarkApart(b *testing.B) {
	chance := rand.New(rand.NewPCG(1, 1))
	points := make([][3]float64, 1000)
	for i := range points {
		for d := range points[i] {
			points[i][d] = max(chance.NormFloat64(), 0)
		}
	}
	for b.Loop() {
		Apart(points, 4, 3)
	}
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
