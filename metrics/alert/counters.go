// How much counters have grown from one look to the next.

package alert

import (
	"time"

	"github.com/steelyard-proxy/steelyard/metrics"
)

// forgetSeries is how long a series may be away and still be the same one when it is back.
const forgetSeries = time.Hour

// counters remembers what each counter was, so that rules see increases: a series that begins anew
// (its endpoint went and came back) then counts from zero, and one that goes takes nothing away.
type counters struct {
	seen  map[string]*seen // by name and values of the labels
	begun map[string]bool  // metrics that were looked for last time
	key   []byte           // to look up with; used again
}

// seen is one series as it was last.
type seen struct {
	value   float64
	buckets []float64
	at      time.Duration
}

// growth is how much one sample has grown since the last look.
type growth struct {
	sample   *metrics.Sample
	increase float64   // of a counter or a histogram's count
	buckets  []float64 // of a histogram, up to each bound and in all
}

// look says how much each sample has grown. names are the metrics that were looked for. A series that was
// not there before has grown by all it has, as counters begin at zero; but one that nobody looked
// for may have grown long ago.
func (c *counters) look(samples []metrics.Sample, names map[string]bool, before, now time.Duration) *look {
	if c.seen == nil {
		c.seen = map[string]*seen{}
	}
	l := &look{at: now, before: before, byName: map[string][]growth{}, fresh: map[string]bool{}}
	for name := range names {
		l.fresh[name] = !c.begun[name]
	}
	for i := range samples {
		name := samples[i].Name
		l.byName[name] = append(l.byName[name], c.one(&samples[i], l.fresh[name], now))
	}
	for key, s := range c.seen {
		if now-s.at > forgetSeries {
			delete(c.seen, key)
		}
	}
	c.begun = names
	return l
}

func (c *counters) one(s *metrics.Sample, fresh bool, now time.Duration) growth {
	g := growth{sample: s}
	if s.Kind == metrics.Gauge {
		return g
	}
	c.key = append(c.key[:0], s.Name...)
	for _, v := range s.Values {
		c.key = append(append(c.key, 0xff), v...)
	}
	last, known := c.seen[string(c.key)]
	if !known {
		last = &seen{}
		c.seen[string(c.key)] = last
	}
	if fresh {
		last.value, last.buckets = s.Value, s.Buckets
	}
	g.increase = since(last.value, s.Value)
	if s.Kind == metrics.Histogram {
		g.buckets = make([]float64, len(s.Buckets))
		for j, n := range s.Buckets {
			before := 0.0
			if s.Value >= last.value && j < len(last.buckets) {
				before = last.buckets[j]
			}
			g.buckets[j] = since(before, n)
		}
	}
	last.value, last.buckets, last.at = s.Value, s.Buckets, now
	return g
}

// since is how much a counter has grown; one that is less than before has begun anew.
func since(before, now float64) float64 {
	if now < before {
		return now
	}
	return now - before
}
