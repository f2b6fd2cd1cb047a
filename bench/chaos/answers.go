// Servers that answer badly: 500 at once, late, or half.

package chaos

import (
	"fmt"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/backend"
	"github.com/steelyard-proxy/steelyard/bench/load"
	"github.com/steelyard-proxy/steelyard/bench/report"
)

func sorted(list []time.Duration) []time.Duration {
	slices.Sort(list)
	return list
}

var failsFast = fault{
	name: "error-500", what: "a server answers 500 within a millisecond",
	goal:  "its share falls under 1 % within 1 s; at most 5 failed requests",
	times: Times{4 * time.Second, 8 * time.Second, 4 * time.Second}, servers: usual,
	during: held(backend.Error500),
	judge: func(e *evidence) []report.Check {
		return []report.Check{
			report.AtMost("its share from 1 s on", e.share(e.on()+time.Second, e.off()), 0.01, "%"),
			report.AtMost("failed requests", float64(failedOf(e.between(0, e.times.whole()))), 5, ""),
		}
	},
}

var slower = fault{
	name: "slow", what: "a server takes ten times as long",
	goal:  "out, or under a fifth of its share, within 5 s; p99 of the rest unharmed",
	times: Times{6 * time.Second, 10 * time.Second, 4 * time.Second}, servers: usual,
	during: held(backend.Slow),
	judge: func(e *evidence) []report.Check {
		name := e.servers[victim].name
		rest := func(from, to time.Duration) float64 { return quantile(times(e.between(from, to), name), 0.99) }
		return []report.Check{
			report.AtMost("its share from 5 s on", e.share(e.on()+5*time.Second, e.off()), 0.2/count, "%"),
			report.AtMost("p99 of the rest, of 1.5 × that before and 10 ms", rest(e.on()+time.Second, e.off()), 1.5*rest(0, e.on())+0.01, "s"),
			e.noneFailed(),
		}
	},
}

var resetMidStream = fault{
	name: "reset-stream", what: "a server resets connections half-way through its answers",
	goal:  "each cut stream ends broken, with an error event; none looks whole",
	times: Times{4 * time.Second, 6 * time.Second, 4 * time.Second}, servers: usual,
	during: held(backend.ResetHalf),
	judge: func(e *evidence) []report.Check {
		whole, untold, clean, cut := e.cuts()
		return []report.Check{
			report.AtMost("answers that look whole and are not", float64(whole), 0, ""),
			report.AtMost(fmt.Sprintf("of %d cut streams, those without an error event", cut), float64(untold), 0, ""),
			report.AtMost("and those with a clean end", float64(clean), 0, ""),
			report.AtMost("failed requests other than answers that had begun", float64(e.failedWhole()), 0, ""),
		}
	},
}

// cuts are the streams whose answers a server broke off, and what clients took them for.
func (e *evidence) cuts() (whole, untold, clean, cut int) {
	completed, answered := 0, 0 // at the faulty server, and by it
	for _, v := range e.visits {
		if v.server == victim && v.how == backend.Completed {
			completed++
		}
	}
	for _, r := range e.between(0, e.times.whole()) {
		if r.ServedBy != e.servers[victim].name {
			continue
		}
		switch {
		case !r.failed():
			answered++
		case r.Stream && r.Status == 200:
			cut++
			if !r.Told {
				untold++
			}
			if r.Failure == load.ErrorEvent {
				clean++
			}
		}
	}
	return max(answered-completed, 0), untold, clean, cut
}

// failedWhole are the requests that failed before their answers began.
func (e *evidence) failedWhole() (n int) {
	for _, r := range e.between(0, e.times.whole()) {
		if r.failed() && r.Failure != load.Truncated && r.Failure != load.ErrorEvent {
			n++
		}
	}
	return n
}
