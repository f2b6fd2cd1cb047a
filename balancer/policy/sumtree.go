// A tree of sums, to find a candidate by a number drawn at random.

package policy

// sumTree holds a number for each candidate, 0 or more. It knows their sum, and finds the
// candidate at which a given part of the sum falls. Each sum is computed from two smaller
// ones, and nothing is ever subtracted, so that no rounding errors stay behind as numbers of
// any size come and go. set and find are O(log n).
type sumTree struct {
	nodes []float64 // the root at 1, the children of k at 2k and 2k+1, candidate i at half+i
	half  int32     // a power of two
}

func newSumTree(numbers []float64) sumTree {
	half := 1
	for half < len(numbers) {
		half *= 2
	}
	t := sumTree{nodes: make([]float64, 2*half), half: int32(half)}
	copy(t.nodes[half:], numbers)
	t.add()
	return t
}

func (t *sumTree) sum() float64 { return t.nodes[1] }

func (t *sumTree) at(i int32) float64 { return t.nodes[t.half+i] }

// put is set for changing many: the sums are wrong until add is called.
func (t *sumTree) put(i int32, number float64) { t.nodes[t.half+i] = number }

func (t *sumTree) add() {
	for k := t.half - 1; k > 0; k-- {
		t.nodes[k] = t.nodes[2*k] + t.nodes[2*k+1]
	}
}

func (t *sumTree) set(i int32, number float64) {
	k := t.half + i
	t.nodes[k] = number
	for k /= 2; k > 0; k /= 2 {
		t.nodes[k] = t.nodes[2*k] + t.nodes[2*k+1]
	}
}

// find returns the candidate at x, where 0 ≤ x < sum, as if the numbers were laid end to end.
// Its number is never 0. The sum must not be 0.
func (t *sumTree) find(x float64) int32 {
	k := int32(1)
	for k < t.half {
		k *= 2
		if x >= t.nodes[k] && t.nodes[k+1] > 0 { // by rounding x may lie beyond a second child of 0
			x -= t.nodes[k]
			k++
		}
	}
	return k - t.half
}
