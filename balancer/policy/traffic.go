// How many requests come in a second, as counted lately.

package policy

import "time"

const (
	leastWindow   = 10  // seconds: a rate is measured over so many at least
	mostWindow    = 60  // and over so many at most
	enoughSamples = 400 // requests: with so many the window is long enough. Of a Poisson stream the rate is within 5 % then, two times of three
)

// traffic measures the rate of requests in a window that slides by whole seconds.
type traffic struct {
	now      func() time.Duration
	started  bool
	first    int64 // the second in which measuring began
	second   int64 // the current second
	counted  [mostWindow + 1]int64
	pending  int64 // requests since the clock was read last
	readEach int64 // the clock is read once in so many requests
}

// count counts one request, and reports whether another second is complete.
func (t *traffic) count() bool {
	t.pending++
	if t.pending < t.readEach {
		return false
	}
	second := int64(t.now() / time.Second)
	if !t.started {
		t.started, t.first, t.second = true, second, second
	}
	passed := max(0, second-t.second)
	for k := range min(passed, int64(len(t.counted))) {
		*t.in(t.second + 1 + k) = 0
	}
	t.second += passed
	*t.in(t.second) += t.pending
	t.pending = 0
	if passed > 0 {
		t.setReadEach()
	}
	return passed > 0
}

func (t *traffic) in(second int64) *int64 { return &t.counted[second%int64(len(t.counted))] }

// setReadEach has the clock read about every 10 ms, at the present rate.
func (t *traffic) setReadEach() {
	const readingsPerSecond, most = 100, 16
	t.readEach = min(max(1, *t.in(t.second - 1)/readingsPerSecond), most)
}

// rate returns the requests per second; false while it has not measured for long enough. Only
// complete seconds count.
func (t *traffic) rate() (float64, bool) {
	complete := min(t.second-t.first-1, mostWindow) // the first second began before measuring did
	if complete < leastWindow {
		return 0, false
	}
	requests, seconds := int64(0), int64(0)
	for seconds < leastWindow || seconds < complete && requests < enoughSamples {
		seconds++
		requests += *t.in(t.second - seconds)
	}
	return float64(max(1, requests)) / float64(seconds), true // the request that asks is one
}
