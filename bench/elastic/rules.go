// The rules of others, written anew from their sources and documents.

package elastic

import "math"

// fixed is a fleet of one size.
type fixed int

func (fixed) every() float64      { return 3600 }
func (n fixed) decide(*fleet) int { return int(n) }

// plan is a number for each stretch of equal length.
type plan struct {
	list   []int
	length float64
}

func (p *plan) every() float64 { return p.length }
func (p *plan) decide(f *fleet) int {
	return p.list[min(int((f.now+p.length/2)/p.length), len(p.list)-1)]
}

// window is the mean of something over the last seconds, by its integral.
type window struct {
	length float64
	at     []float64
	sum    []float64
}

// mean takes in the integral as it is now.
func (w *window) mean(now, integral float64) float64 {
	w.at, w.sum = append(w.at, now), append(w.sum, integral)
	first := 0
	for first < len(w.at)-2 && w.at[first+1] <= now-w.length {
		first++
	}
	w.at, w.sum = w.at[first:], w.sum[first:]
	if took := now - w.at[0]; took > 0 {
		return (integral - w.sum[0]) / took
	}
	return 0
}

// metric is what the HPA is told of all replicas, and how much of it each shall have.
type metric struct {
	window window
	of     func(f *fleet) float64 // its integral
	target float64                // AverageValue
	gauge  func(f *fleet) float64 // in place of a mean: what it is when it is scraped
	next   float64                // when it is scraped again
	seen   float64                // at the last scrape
}

// value is what the HPA is told.
func (m *metric) value(f *fleet) float64 {
	if m.gauge == nil {
		return m.window.mean(f.now, m.of(f))
	}
	if f.now >= m.next {
		m.seen, m.next = m.gauge(f), f.now+hpaScraped
	}
	return m.seen
}

// hpa is Kubernetes' HorizontalPodAutoscaler v2 with external metrics of the type AverageValue: the greatest of
// ceil(Σ/target), unless Σ is within 10 % of what there is. It looks every 15 s, goes out by the greater of 4 and 100 %
// in 15 s, and in by the greatest it has recommended in 300 s. The metrics are gauges that an adapter averages.
type hpa struct {
	metrics []metric
	down    float64 // stabilizationWindowSeconds
	said    []recommended
}

type recommended struct {
	at float64
	n  int
}

const (
	hpaSync, hpaTolerance       = 15, 0.1
	hpaUpPods, hpaUpTimes       = 4, 2
	hpaStabilization, hpaScrape = 300, 15
	hpaScraped                  = 30
	hpaResource                 = 60
)

func (*hpa) every() float64 { return hpaSync }

func (h *hpa) decide(f *fleet) int {
	current := f.current()
	wanted := 0
	for i := range h.metrics {
		m := &h.metrics[i]
		sum := m.value(f)
		n := current
		if ratio := sum / (m.target * float64(current)); math.Abs(ratio-1) > hpaTolerance {
			n = int(math.Ceil(sum / m.target))
		}
		wanted = max(wanted, n)
	}
	h.said = append(h.said, recommended{f.now, wanted})
	for h.said[0].at < f.now-h.down {
		h.said = h.said[1:]
	}
	if wanted >= current {
		return min(wanted, max(current+hpaUpPods, current*hpaUpTimes))
	}
	for _, r := range h.said {
		wanted = max(wanted, r.n)
	}
	return min(wanted, current)
}

// newHPA scales on the requests that are in, those that wait included, so many of a replica's slots.
func newHPA(s setup, utilization float64) rule {
	return &hpa{down: hpaStabilization, metrics: []metric{{
		window: window{length: hpaScrape}, target: utilization * float64(s.slots),
		of: func(f *fleet) float64 { return f.together },
	}}}
}

// newScraped is the same by what Prometheus has: a gauge that is read each 30 s, as its operator's charts are shipped.
func newScraped(s setup, utilization float64) rule {
	return &hpa{down: hpaStabilization, metrics: []metric{{
		target: utilization * float64(s.slots), gauge: func(f *fleet) float64 { return float64(f.running + f.held()) },
	}}}
}

// newUse scales on the use of slots, which cannot be over 1 however many wait, as resource metrics are; they are a minute's mean.
func newUse(s setup, utilization float64) rule {
	return &hpa{down: hpaStabilization, metrics: []metric{{
		window: window{length: hpaResource}, target: utilization * float64(s.slots),
		of: func(f *fleet) float64 { return f.on },
	}}}
}

// newWaiting scales on the requests that wait alone, as guides for engines have it: so many for each replica.
func newWaiting(_ setup, target float64) rule {
	return &hpa{down: hpaStabilization, metrics: []metric{{
		window: window{length: hpaScrape}, target: target, of: func(f *fleet) float64 { return f.queued },
	}}}
}

// newKEDA is KEDA with two triggers, as llm-d's guide has it: one waiting request for each replica, and so many of its slots that run.
// KEDA leaves 1 and more to the HPA.
func newKEDA(s setup, utilization float64) rule {
	return &hpa{down: hpaStabilization, metrics: []metric{
		{window: window{length: hpaScrape}, target: 1, of: func(f *fleet) float64 { return f.queued }},
		{window: window{length: hpaScrape}, target: utilization * float64(s.slots), of: func(f *fleet) float64 { return f.on }},
	}}
}

// kpa is Knative's: concurrency over 60 s and over 6 s, a look every 2 s, and a panic where the short one asks for twice what
// is ready.
type kpa struct {
	target        float64
	stable, short window
	panicUntil    float64 // 0: there is none
	panicMost     int
}

const (
	kpaTick, kpaStable, kpaShort = 2, 60, 6
	kpaPanic                     = 2
	kpaUpTimes, kpaDownTimes     = 1000, 2
)

func newKPA(s setup, utilization float64) rule {
	return &kpa{target: utilization * float64(s.slots), stable: window{length: kpaStable}, short: window{length: kpaShort}}
}

func (*kpa) every() float64 { return kpaTick }

func (k *kpa) decide(f *fleet) int {
	ready := max(f.counts[serving], 1)
	bounded := func(mean float64) int {
		return min(max(int(math.Ceil(mean/k.target)), ready/kpaDownTimes), ready*kpaUpTimes)
	}
	stable, short := bounded(k.stable.mean(f.now, f.together)), bounded(k.short.mean(f.now, f.together))
	if short >= kpaPanic*ready {
		k.panicUntil = f.now + kpaStable
	}
	if f.now >= k.panicUntil {
		k.panicMost = 0
		return stable
	}
	k.panicMost = max(k.panicMost, stable, short)
	return k.panicMost
}
