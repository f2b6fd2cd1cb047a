package stats

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSurvival: the leukaemia patients of Freireich (1963) who were given 6-MP, as in every textbook.
func TestSurvival(t *testing.T) {
	curve := Survival([]Ends{
		{6, 3, 1}, {7, 1, 0}, {9, 0, 1}, {10, 1, 1}, {11, 0, 1}, {13, 1, 0}, {16, 1, 0}, {17, 0, 1}, {19, 0, 1}, {20, 0, 1},
		{22, 1, 0}, {23, 1, 0}, {25, 0, 1}, {32, 0, 2}, {34, 0, 1}, {35, 0, 1},
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
	assert.Empty(t, Survival([]Ends{{1, 0, 5}}))
	all := Survival([]Ends{{1, 5, 0}})
	require.Len(t, all, 1)
	assert.Zero(t, all[0].Part)
	assert.Zero(t, all[0].Deviation)
}
