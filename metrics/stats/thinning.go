// One of several, where there are more than are needed.

package stats

import "math/rand/v2"

// Thinning takes one of so many things in a row, by chance, so that no pattern among them decides which. Its zero value takes all.
type Thinning struct {
	every  int // of how many one is taken; 0, 1: all are
	turn   int
	chosen int
}

// NewThinning takes one of so many.
func NewThinning(every int) Thinning { return Thinning{every: max(every, 1)} }

// Every is of how many one is taken.
func (t *Thinning) Every() int { return max(t.every, 1) }

// Takes says whether the next one is taken.
func (t *Thinning) Takes() bool {
	if t.every <= 1 {
		return true
	}
	if t.turn == 0 {
		t.chosen = rand.IntN(t.every)
	}
	takes := t.turn == t.chosen
	t.turn = (t.turn + 1) % t.every
	return takes
}
