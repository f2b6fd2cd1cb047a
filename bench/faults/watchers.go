// Who watches: steelyard's detector, and three rules that anybody could write.

package faults

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/anomaly"
	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// alarm is one event: something was found.
type alarm struct {
	at    time.Time
	cause anomaly.Cause
	place anomaly.Place
	text  string
}

// watcher sees all rows, and gives alarms.
type watcher interface {
	name() string
	add(r *usage.Row)
	step(now time.Time) []alarm
}

func endpointName(i int) string { return fmt.Sprintf("gpu%d", i+1) }

// ours is metrics/anomaly as the gateway runs it.
type ours struct {
	detector *anomaly.Detector
	told     []alarm
}

func newOurs() *ours {
	o := &ours{}
	o.detector = anomaly.New(anomaly.Options{
		Tell: func(f anomaly.Fault) {
			if !f.Over() {
				o.told = append(o.told, alarm{f.Found, f.Cause, f.Place, fmt.Sprint(f.Symptom, ": ", f.Text)})
			}
		},
		TellTrend: func(t anomaly.Trend) {
			o.told = append(o.told, alarm{t.Since, anomaly.OfEndpoint, t.Place, t.Text})
		},
	})
	return o
}

func (o *ours) name() string     { return "steelyard" }
func (o *ours) add(r *usage.Row) { o.detector.Add(r) }
func (o *ours) step(now time.Time) []alarm {
	o.told = o.told[:0]
	o.detector.Step(now)
	for i := range o.told {
		o.told[i].at = now
	}
	return o.told
}

// halfMinutes are the means of an endpoint's service times over the last 30 seconds, as all three rules see them.
type halfMinutes struct {
	ticks int
	sum   map[string]float64
	n     map[string]float64
}

func (h *halfMinutes) add(r *usage.Row) {
	if h.sum == nil {
		h.sum, h.n = map[string]float64{}, map[string]float64{}
	}
	if r.Status == 200 && r.Failure == "" {
		h.sum[r.Endpoint] += r.Service.Seconds()
		h.n[r.Endpoint]++
	}
}

// ended gives the means where half a minute is over.
func (h *halfMinutes) ended(endpoints int, see func(endpoint string, mean float64)) {
	if h.ticks++; h.ticks%3 != 0 {
		return
	}
	for i := range endpoints {
		name := endpointName(i)
		if h.n[name] >= 5 {
			see(name, h.sum[name]/h.n[name])
		}
	}
	clear(h.sum)
	clear(h.n)
}

// fixed gives an alarm where a mean is over a limit that is set once: 1.7 times the mean of the first hours.
type fixed struct {
	halfMinutes
	endpoints int
	first     map[string]float64
	seen      map[string]float64
	up        map[string]bool
}

func newFixed(endpoints int) *fixed {
	return &fixed{endpoints: endpoints, first: map[string]float64{}, seen: map[string]float64{}, up: map[string]bool{}}
}

func (f *fixed) name() string { return "fixed threshold" }
func (f *fixed) step(now time.Time) (list []alarm) {
	const learned, limit = 120.0, 1.7
	f.ended(f.endpoints, func(name string, mean float64) {
		if f.seen[name] < learned {
			f.seen[name]++
			f.first[name] += mean / learned
			return
		}
		if over := mean > limit*f.first[name]; over != f.up[name] {
			f.up[name] = over
			if over {
				list = append(list, accuse(now, name))
			}
		}
	})
	return list
}

func accuse(now time.Time, endpoint string) alarm {
	return alarm{at: now, cause: anomaly.OfEndpoint, place: anomaly.Place{Upstream: upstream, Endpoint: endpoint}}
}

// jump is the one-liner: a mean that differs from the one before by more than four standard deviations of such differences.
type jump struct {
	halfMinutes
	endpoints int
	last      map[string]float64
	square    map[string]float64
}

func newJump(endpoints int) *jump {
	return &jump{endpoints: endpoints, last: map[string]float64{}, square: map[string]float64{}}
}

func (j *jump) name() string { return "|Δ| one-liner" }
func (j *jump) step(now time.Time) (list []alarm) {
	j.ended(j.endpoints, func(name string, mean float64) {
		last, known := j.last[name]
		j.last[name] = mean
		if !known {
			return
		}
		d := mean - last
		if s := j.square[name]; s > 0 && math.Abs(d) > 4*math.Sqrt(s) {
			list = append(list, accuse(now, name))
		}
		if j.square[name] == 0 {
			j.square[name] = d * d
		}
		j.square[name] += 0.01 * (d*d - j.square[name])
	})
	return list
}

// lots gives alarms at random, at the rate of another watcher's, and accuses an endpoint drawn by lot.
type lots struct {
	chance    *rand.Rand
	endpoints int
	rate      float64 // alarms per tick
}

func (l *lots) name() string   { return "random, equal alarms" }
func (l *lots) add(*usage.Row) {}
func (l *lots) step(now time.Time) []alarm {
	if l.chance.Float64() >= l.rate {
		return nil
	}
	return []alarm{accuse(now, endpointName(l.chance.IntN(l.endpoints)))}
}
