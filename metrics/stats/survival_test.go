package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSurvival: the leukaemia patients of Freireich (1963) who were given 6-MP, as in every textbook.
func TestSurvival(t *testing.T) {
	curve := Survival([]Ends{
		{6, 3, 1, 0}, {7, 1, 0, 0}, {9, 0, 1, 0}, {10, 1, 1, 0}, {11, 0, 1, 0}, {13, 1, 0, 0}, {16, 1, 0, 0}, {17, 0, 1, 0}, {19, 0, 1, 0}, {20, 0, 1, 0},
		{22, 1, 0, 0}, {23, 1, 0, 0}, {25, 0, 1, 0}, {32, 0, 2, 0}, {34, 0, 1, 0}, {35, 0, 1, 0},
	})
	require.Len(t, curve, 7)
	for i, want := range []Stay{
		{6, 21, 0.857, 0.076}, {7, 17, 0.807, 0.087}, {10, 15, 0.753, 0.096}, {13, 12, 0.690, 0.107}, {16, 11, 0.627, 0.114}, {22, 7, 0.538, 0.128}, {23, 6, 0.448, 0.135},
	} {
		assert.Equal(t, want.At, curve[i].At)
		assert.Equal(t, want.Waiting, curve[i].Waiting)
		assert.InDelta(t, want.Part, curve[i].Part, 0.0006)
		assert.InDelta(t, want.Deviation, curve[i].Deviation, 0.0006)
	}
	assert.Equal(t, 1.0, Still(curve, 5.9))
	assert.Equal(t, curve[0].Part, Still(curve, 6))
	assert.Equal(t, curve[6].Part, Still(curve, 99))
}

func TestSurvivalOfNobody(t *testing.T) {
	assert.Empty(t, Survival(nil))
	assert.Empty(t, Survival([]Ends{{1, 0, 5, 0}}))
	all := Survival([]Ends{{1, 5, 0, 0}})
	require.Len(t, all, 1)
	assert.Zero(t, all[0].Part)
	assert.Zero(t, all[0].Deviation)
}

// TestSurvivalByAPart: of those who are there until they have what they wait for, one of twenty is known. The deviation that is
// told is the one that many such samples have, and Greenwood's alone would be too small.
func TestSurvivalByAPart(t *testing.T) {
	const times, every, repeats = 20, 20, 2000
	chance := rand.New(rand.NewPCG(1, 2))
	var last, told, greenwood, mean float64
	for range repeats {
		ends, exact := make([]Ends, times), make([]Ends, times)
		for i := range ends {
			ends[i].At = float64(i)
		}
		for range 2000 {
			at := chance.IntN(times)
			if chance.IntN(20) == 0 {
				ends[at].Event++
			} else if chance.IntN(every) == 0 {
				ends[at].Other += every
				ends[at].Variance += every * (every - 1)
			}
		}
		for i, e := range ends {
			exact[i] = Ends{At: e.At, Event: e.Event, Other: e.Other}
		}
		curve, plain := Survival(ends), Survival(exact)
		at := len(curve) - 4 // few are left, and not none
		part := curve[at].Part
		mean += part / repeats
		last += part * part / repeats
		told += curve[at].Deviation * curve[at].Deviation / repeats
		greenwood += plain[at].Deviation * plain[at].Deviation / repeats
		assert.Equal(t, part, plain[at].Part)
	}
	seen := last - mean*mean
	assert.InEpsilon(t, math.Sqrt(seen), math.Sqrt(told), 0.15)
	assert.Less(t, math.Sqrt(greenwood), 0.9*math.Sqrt(seen))
}
