// More requests than the servers can do.

package chaos

import (
	"math"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/peers"
	"github.com/steelyard-proxy/steelyard/bench/report"
)

// single works on one request at a time, for 20 ms: 50 requests/s each, and 300 together.
var single = shape{slots: 1, unit: 20 * time.Millisecond, tokens: 4, work: 1}

// goodWithin is how long after its intended start an answer is of use.
const goodWithin = 2 * time.Second

var overload = fault{
	name: "overload", what: "three times the requests that the servers can do; slots are told, and a request waits for 1 s at most",
	goal:  "goodput, of whole answers within 2 s, at least 0.9 × its peak; memory bounded; recovered within 5 s",
	times: Times{8 * time.Second, 10 * time.Second, 9 * time.Second}, servers: single,
	load: func(p part, rate float64) float64 {
		return rate / defaultRate * count * single.capacity() * [...]float64{1, 3, 0.6}[p]
	},
	plan: func(p *peers.Plan) { p.Slots, p.Wait = true, time.Second },
	judge: func(e *evidence) []report.Check {
		const spell = time.Second
		peak := 0.0
		for at := 2 * time.Second; at+spell <= e.on(); at += spell { // the first seconds fill connections
			peak = max(peak, e.goodput(at, at+spell))
		}
		peak = min(peak, count*single.capacity()) // beyond it is chance
		settled := e.on() + time.Second
		base, most := float64(e.resident(0, e.on())), float64(e.resident(e.on(), e.times.whole()))
		late := e.between(e.off()+5*time.Second, e.times.whole())
		checks := []report.Check{
			report.AtLeast("goodput ÷ its peak", e.goodput(settled, e.off())/peak, 0.9, "×"),
			report.AtMost("failed requests from 5 s after it on", float64(failedOf(late)), 0, ""),
			report.AtMost("p99 of those", quantile(times(late, ""), 0.99), 0.5, "s"),
		}
		if base > 0 {
			checks = append(checks, report.AtMost("most memory, of twice that before and 64 MiB", most/(1<<20), 2*base/(1<<20)+64, "MiB"))
		}
		return checks
	},
}

// goodput is whole answers per second that came within goodWithin of their intended starts.
func (e *evidence) goodput(from, to time.Duration) float64 {
	if to <= from {
		return math.NaN()
	}
	good := 0
	for i, s := range e.samples {
		done := e.requests[i].At + s.Response
		if s.Failure == "" && s.Response <= goodWithin && done >= from && done < to {
			good++
		}
	}
	return float64(good) / (to - from).Seconds()
}
