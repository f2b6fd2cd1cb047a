// Advice on retries that make the load they suffer from.

package advice

import (
	"fmt"
	"math"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

const (
	// stormTime is how far back one looks, in steps of stormStep.
	stormTime, stormStep = 15 * time.Minute, time.Minute
	// stormLeast is how many requests there must have been.
	stormLeast = 200
	// amplified is how many requests there may be for each thing that somebody wanted.
	amplified = 1.3
)

// tries counts requests and retries, by the minute.
type tries struct {
	minutes [int(stormTime / stormStep)]minute
}

type minute struct {
	at               int64 // minutes since 1970
	requests         int
	retries          int
	failed           int
	work, retryWork  float64 // seconds of service
	said             int     // requests whose client said which try it was
	fromClientsRetry int     // retries that the client said were such
}

func (t *tries) add(r *usage.Row) {
	at := r.At.Add(r.Response).Unix() / int64(stormStep/time.Second)
	m := &t.minutes[int(at%int64(len(t.minutes))+int64(len(t.minutes)))%len(t.minutes)]
	if m.at != at {
		if m.at > at {
			return // the clock went back
		}
		*m = minute{at: at}
	}
	m.requests++
	m.work += r.Service.Seconds()
	if r.Failed() {
		m.failed++
	}
	if r.RetrySaid {
		m.said++
	}
	if r.Retry > 0 {
		m.retries++
		m.retryWork += r.Service.Seconds()
		if r.RetrySaid {
			m.fromClientsRetry++
		}
	}
}

// triesView is the sum of the last minutes.
type triesView struct{ minute }

func (t *tries) view(now time.Time) (sum triesView) {
	for i := range t.minutes {
		m := &t.minutes[i]
		if age := now.Unix()/int64(stormStep/time.Second) - m.at; age < 0 || age >= int64(len(t.minutes)) {
			continue
		}
		sum.requests += m.requests
		sum.retries += m.retries
		sum.failed += m.failed
		sum.work += m.work
		sum.retryWork += m.retryWork
		sum.said += m.said
		sum.fromClientsRetry += m.fromClientsRetry
	}
	return sum
}

func storm(v *view) []Advice {
	t := v.tries
	if v.ofLog {
		return v.unsure(RetryStorm, t.requests, "a request log does not say which requests are retries: ask the running gateway", nil)
	}
	if t.requests < stormLeast {
		return v.unsure(RetryStorm, t.requests, fmt.Sprintf("it takes %d requests in %s, and there were %d", stormLeast, stormTime, t.requests), nil)
	}
	ratio := float64(t.requests) / float64(max(t.requests-t.retries, 1))
	low, high := wilson(t.retries, t.requests)
	between := [2]float64{1 / (1 - low), 1 / (1 - min(high, 0.999))}
	evidence := map[string]any{
		"amplification": ratio, "retries": t.retries, "failed": t.failed, "said_by_clients": t.fromClientsRetry, "minutes": int(stormTime / time.Minute),
	}
	if between[0] <= amplified {
		a := v.well(RetryStorm, t.requests, fmt.Sprintf("%.2f requests come for each that is wanted", ratio), evidence)
		a[0].Interval = &between
		return a
	}
	a := v.told(RetryStorm, Advised, t.requests, fmt.Sprintf("%.2f requests come for each that is wanted, as clients try again what failed: %d of %d in %s were retries. "+
		"Have clients wait longer between tries, or refuse with x-should-retry: false while it lasts", ratio, t.retries, t.requests, stormTime), evidence)
	a.Interval = &between
	a.Effect = v.relieved(t.retryWork / max(t.work, 1e-9))
	return []Advice{a}
}

// relieved estimates R without a part of the work, by how the wait of an M/M/1 queue grows with its load.
func (v *view) relieved(part float64) *Effect {
	load := utilisation(v.log, &v.setup)
	if load <= 0 || load >= 0.99 || part <= 0 {
		return nil
	}
	return &Effect{Ratio: (1 - load) / (1 - load*(1-min(part, 1))), By: ByEstimate}
}

// wilson is the interval of a part that holds it in nine cases of ten.
func wilson(hits, n int) (low, high float64) {
	const z = 1.645
	if n == 0 {
		return 0, 1
	}
	p, count := float64(hits)/float64(n), float64(n)
	middle := p + z*z/(2*count)
	wide := z * math.Sqrt(p*(1-p)/count+z*z/(4*count*count))
	whole := 1 + z*z/count
	return max((middle-wide)/whole, 0), min((middle+wide)/whole, 1)
}
