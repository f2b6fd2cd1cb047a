// Of the requests of a busy second some are taken for all.

package advice

import "github.com/steelyard-proxy/steelyard/metrics/stats"

const (
	// plenty is how many requests of a second are enough for what goes by how they are spread.
	plenty = 500
	// astray is how many seconds requests may come out of their order; more, and the clock went back.
	astray = 5
)

// thin takes so many requests of a second, and says for how many each stands. How many come is taken from the second before.
type thin struct {
	off      bool  // all are taken
	second   int64 // since 1970
	came     int   // in that second
	thinning stats.Thinning
}

// weight is for how many requests the next one stands, which ended in a second; 0: it is left out.
func (t *thin) weight(second int64) int {
	if t.off {
		return 1
	}
	if second > t.second || second < t.second-astray {
		t.thinning = stats.Thinning{}
		if second == t.second+1 {
			t.thinning = stats.NewThinning(t.came / plenty)
		}
		t.second, t.came = second, 0
	}
	t.came++
	if !t.thinning.Takes() {
		return 0
	}
	return t.thinning.Every()
}
