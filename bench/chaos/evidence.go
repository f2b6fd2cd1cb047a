// All that was seen of one trial, and what can be read from it.

package chaos

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
	"github.com/steelyard-proxy/steelyard/bench/load"
	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// evidence is all that was seen of one trial. Times are from its start.
type evidence struct {
	*stand
	requests []trace.Request
	samples  []load.Sample // of each of them
	visits   []visit
	looks    []look
	first    metrics // before the load
	last     metrics // after it, when all was at rest, or should have been
	drift    float64 // what gauges say that should be zero then
	settled  bool    // they were asked
}

// result is one request of the load.
type result struct {
	trace.Request
	load.Sample
}

func (r result) failed() bool { return r.Failure != "" }

// between are the requests that were to begin from one instant on and before another.
func (e *evidence) between(from, to time.Duration) (list []result) {
	for i, r := range e.requests {
		if r.At >= from && r.At < to {
			list = append(list, result{r, e.samples[i]})
		}
	}
	return list
}

func failedOf(list []result) (n int) {
	for _, r := range list {
		if r.failed() {
			n++
		}
	}
	return n
}

// times are the response times of requests that did not fail, sorted. Without counts only those that others than a server answered.
func times(list []result, without string) (done []time.Duration) {
	for _, r := range list {
		if !r.failed() && (without == "" || r.ServedBy != without) {
			done = append(done, r.Response)
		}
	}
	slices.Sort(done)
	return done
}

func mean(times []time.Duration) float64 { return float64(report.Mean(times)) }

func quantile(sorted []time.Duration, q float64) float64 { return float64(report.Quantile(sorted, q)) }

// attempts are what servers saw from one instant on and before another; at the faulty one, and at all.
func (e *evidence) attempts(from, to time.Duration) (faulty, all int) {
	if e.fault.process { // its own count died with it: whom it answered is known
		for _, r := range e.between(from, to) {
			if r.ServedBy == "" {
				continue
			}
			all++
			if r.ServedBy == e.servers[victim].name {
				faulty++
			}
		}
		return faulty, all
	}
	for _, v := range e.visits {
		if at := v.came.Sub(e.start); at >= from && at < to && !strings.HasPrefix(v.id, asideMark) {
			all++
			if v.server == victim {
				faulty++
			}
		}
	}
	return faulty, all
}

// share of the faulty server in the attempts.
func (e *evidence) share(from, to time.Duration) float64 {
	faulty, all := e.attempts(from, to)
	if all == 0 {
		return math.NaN()
	}
	return float64(faulty) / float64(all)
}

// outAfter is how long after the begin of the fault the faulty server got no more for a second, or less than a fiftieth of all;
// it is not a number where that never was.
func (e *evidence) outAfter() float64 {
	for at := e.on(); at+time.Second <= e.off(); at += lookEvery {
		if share := e.share(at, at+time.Second); share < 0.02 {
			return (at - e.on()).Seconds()
		}
	}
	return math.NaN()
}

// toldOut is how long after the begin of the fault steelyard said that the server gets no requests.
func (e *evidence) toldOut() float64 {
	for _, l := range e.looks {
		if l.asked && l.out && l.at >= e.on() && l.at < e.off() {
			return (l.at - e.on()).Seconds()
		}
	}
	return math.NaN()
}

// most in flight at any one server.
func (e *evidence) most(from, to time.Duration) (most int64) {
	for _, l := range e.looks {
		if l.at >= from && l.at < to {
			most = max(most, slices.Max(l.inFlight[:]))
		}
	}
	return most
}

// resident is the most memory that was seen.
func (e *evidence) resident(from, to time.Duration) (most int64) {
	for _, l := range e.looks {
		if l.at >= from && l.at < to {
			most = max(most, l.resident)
		}
	}
	return most
}

// settling is how long gauges may take to come to rest.
const settling = 8 * time.Second

// rest waits until steelyard says that nothing is in flight, or until that has lasted too long.
func (e *evidence) rest(ctx context.Context) {
	if !e.ours() {
		return
	}
	for end := time.Now().Add(settling); ; {
		if m := e.scrape(ctx); m != nil {
			e.last, e.settled = m, true
			e.drift = gauges(m)
		}
		if e.settled && e.drift == 0 || time.Now().After(end) || alarm.Pause(ctx, 200*time.Millisecond) != nil {
			return
		}
	}
}

// gauges is what all gauges say together that must be zero at rest.
func gauges(m metrics) (sum float64) {
	for _, name := range []string{"steelyard_requests_in_flight", "steelyard_queue_requests", "steelyard_in_flight_drift"} {
		for series, v := range m {
			if found, _, _ := strings.Cut(series, "{"); found == name {
				sum += math.Abs(v)
			}
		}
	}
	return sum
}

// row is what a report says of the trial.
func (e *evidence) row() report.TrialRow {
	r := report.TrialRow{Contender: e.contender.Name, Kind: e.contender.kind(), Requests: len(e.requests), Failures: map[string]int64{},
		Before: e.spell(0, e.on()), During: e.spell(e.on(), e.off()), After: e.spell(e.off(), e.times.whole()), Out: report.Number(e.outAfter())}
	for _, s := range e.samples {
		if s.Failure != "" {
			r.Failures[cause(s)]++
		}
	}
	_, all := e.attempts(0, math.MaxInt64)
	r.Attempts = int64(all)
	for at := time.Duration(0); at < e.times.whole(); at += shareStep {
		if share := e.share(at, at+shareStep); !math.IsNaN(share) {
			r.Share = append(r.Share, report.Point{X: (at + shareStep/2 - e.on()).Seconds(), Y: report.Number(share)})
		}
	}
	r.Checks = e.fault.judge(e)
	if e.settled {
		r.Checks = append(r.Checks, report.AtMost("gauges at the end", e.drift, 0, ""))
	} else if e.ours() {
		r.Checks = append(r.Checks, report.AtMost("gauges at the end", math.NaN(), 0, ""))
	}
	return r
}

// shareStep is how far the points of the share over time are apart.
const shareStep = 250 * time.Millisecond

// cause of a failure, with the status where there was one.
func cause(s load.Sample) string {
	if s.Failure == load.BadStatus {
		return strconv.Itoa(s.Status)
	}
	return string(s.Failure)
}

func (e *evidence) spell(from, to time.Duration) report.Spell {
	list := e.between(from, to)
	rest := times(list, e.servers[victim].name)
	return report.Spell{Requests: len(list), Failed: failedOf(list), Share: report.Number(e.share(from, to)),
		Mean: report.Number(mean(times(list, ""))), P50: report.Number(quantile(rest, 0.5)), P99: report.Number(quantile(rest, 0.99))}
}
