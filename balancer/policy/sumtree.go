package policy

// sumTree holds a number that is not negative for each candidate, and knows their sum and
// where in the row of all of them a part of it falls. Every sum is the sum of two smaller
// ones, never a sum from which something was taken, so that nothing is left over when
// numbers of any size come and go. What says nothing else is O(log n).
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

// put is set for many at once: no sum is right until add.
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

// find returns the candidate at x, 0 ≤ x < sum, when the numbers are laid end to end. Its
// number is never 0. The sum must not be 0.
func (t *sumTree) find(x float64) int32 {
	k := int32(1)
	for k < t.half {
		k *= 2
		if x >= t.nodes[k] && t.nodes[k+1] > 0 { // the second, where rounding leaves none, is passed over
			x -= t.nodes[k]
			k++
		}
	}
	return k - t.half
}
