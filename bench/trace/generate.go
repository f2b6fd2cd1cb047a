// Generating a trace: when its requests arrive.

package trace

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// The streams of chance of one seed.
const (
	arrivalStream = iota + 1
	workStream
	hintStream
	otherWorkStream // of requests that nobody sends, for hints that mean nothing
	readStream      // of what a file leaves to chance
	madeStream      // of work with the statistics of a published trace
)

// New generates a trace. Equal options give equal traces.
func New(o Options) (Trace, error) {
	o = o.withDefaults()
	if err := o.Check(); err != nil {
		return Trace{}, fmt.Errorf("generate trace: %w", err)
	}
	t := Trace{Name: fmt.Sprintf("%s, %s arrivals", o.Work, o.Arrivals), Requests: make([]Request, o.Requests)}
	arrive(t.Requests, o)
	fill, chance := works[o.Work], o.chance(workStream)
	for i := range t.Requests {
		fill(&t.Requests[i], chance)
	}
	hint(t.Requests, o)
	return t, nil
}

func (o Options) chance(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(o.Seed, stream)) }

// Bursts, in mean intervals between arrivals and multiples of the rate. The rates
// average to 1: 20·2.5 + 60·0.5 = 80.
const (
	burstLength, burstRate = 20.0, 2.5
	calmLength, calmRate   = 60.0, 0.5
)

// arrive sets the arrival times.
func arrive(requests []Request, o Options) {
	chance, at := o.chance(arrivalStream), 0.0 // in mean intervals
	if o.Arrivals == Poisson {
		for i := range requests {
			at += chance.ExpFloat64()
			requests[i].At = o.after(at)
		}
		return
	}
	burst, until := chance.Float64() >= burstLength/(burstLength+calmLength), 0.0 // switched at once, as until is now
	for i := range requests {
		for due := chance.ExpFloat64(); ; { // due: what is left of an interval at the rate 1
			rate := calmRate
			if burst {
				rate = burstRate
			}
			if at+due/rate < until {
				at += due / rate
				break
			}
			due -= (until - at) * rate
			at, burst = until, !burst
			if burst {
				until += burstLength * chance.ExpFloat64()
			} else {
				until += calmLength * chance.ExpFloat64()
			}
		}
		requests[i].At = o.after(at)
	}
}

// after returns the time of this many mean intervals.
func (o Options) after(intervals float64) time.Duration {
	return time.Duration(intervals / o.Rate * float64(time.Second))
}
