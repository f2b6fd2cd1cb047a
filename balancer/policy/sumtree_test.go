package policy

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSumTree holds the tree against a plain row of small whole numbers, whose sums are exact.
func TestSumTree(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{1, 2, 3, 8, 41} {
		row := make([]float64, n)
		for i := range row {
			row[i] = float64(rng.IntN(3))
		}
		tree := newSumTree(row)
		row = append([]float64(nil), row...)
		for range 500 {
			i := rng.IntN(n)
			row[i] = float64(rng.IntN(4))
			tree.set(int32(i), row[i])
			x := 0.0
			for i, number := range row {
				require.Equal(t, number, tree.at(int32(i)))
				for range int(number) {
					require.Equal(t, int32(i), tree.find(x), "%v of %v", x, row)
					require.Equal(t, int32(i), tree.find(x+0.99), "%v of %v", x, row)
					x++
				}
			}
			require.Equal(t, x, tree.sum())
		}
	}
}

// TestSumTreeLeavesNothing puts in and takes out numbers of which the one would swallow
// the other.
func TestSumTreeLeavesNothing(t *testing.T) {
	tree := newSumTree([]float64{1e-60, 1, 1e-60})
	tree.set(1, 0)
	assert.Equal(t, 2e-60, tree.sum())
	tree.set(0, 0)
	assert.Equal(t, int32(2), tree.find(0.5e-60))
	tree.set(2, 0)
	assert.Zero(t, tree.sum())
	tree.set(1, 1)
	for _, x := range []float64{0, 0.5, 1, 2} {
		assert.Equal(t, int32(1), tree.find(x), "what has no number is never found, not even by rounding")
	}
}
