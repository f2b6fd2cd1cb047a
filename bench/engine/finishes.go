// How many requests an engine finishes when it is never idle.

package engine

import "math"

// Finishes is how many of these requests an engine finishes per second to which all of them come at once. The last
// twentieth is left out: it is served by fewer and fewer at a time. 0: it finishes none.
func Finishes(o Options, jobs []Job) float64 {
	e := New(o)
	done, needed := 0, max(len(jobs)*19/20, 1)
	count := func(events []Event) {
		for _, event := range events {
			if event.What == Done {
				done++
			}
		}
	}
	for i, j := range jobs {
		count(e.Enter(0, int32(i), j))
	}
	for at := e.Due(); !math.IsInf(at, 1); at = e.Due() {
		if count(e.Next()); done >= needed {
			return float64(done) / at
		}
	}
	return 0
}
