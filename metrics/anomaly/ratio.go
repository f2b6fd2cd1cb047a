// A part of the requests that is too large: a CUSUM of single requests.

package anomaly

import (
	"math"
	"time"
)

const (
	// ratioLimit is the logarithm of how much likelier the larger part must have become: by chance once in e^18 requests.
	ratioLimit = 18
	ratioMost  = 22
	// mostPerLook is how far one look may take it: what happens in a few seconds, however much of it, is a hiccup.
	mostPerLook = 5
	// ratioKnown is how many requests an endpoint's own past needs to count; before, it is its upstream's.
	ratioKnown = 1000
	// doubt is the deviations by which the usual part may be larger than it was seen (Wilson's bound).
	doubt = 2
)

// band says what part of requests is usual at least, and how much more is too much.
type ratioBand struct {
	least, more float64
	learned     bool // what is usual differs with the work: nothing is said before ratioKnown requests of the upstream
}

// ratio is one kind of bad requests, of one endpoint.
type ratio struct {
	band      ratioBand
	Bad, All  float64 // that are part of the past; they fade
	high      float64
	ceiling   float64 // of high, until the next look
	usual     float64
	odd       float64
	good, ill float64 // what a good request, and a bad one, adds to high
	seen      int     // requests since it left 0
	badSince  float64
	raised    bool
	since     time.Time
	whole     *ratio // that of the upstream; nil: it is that
	pendBad   float64
	pendAll   float64
	freezeFor int // looks for which nothing is learned, as a fault has just been over
}

func newRatio(band ratioBand, whole *ratio) *ratio {
	r := &ratio{band: band, whole: whole}
	r.settle()
	return r
}

// settle takes the usual part from the past.
func (r *ratio) settle() {
	bad, all := r.Bad, r.All
	if all < ratioKnown && r.whole != nil {
		bad, all = r.whole.Bad, r.whole.All
	}
	r.usual = r.band.least
	if all > 0 {
		r.usual = max(r.usual, wilsonHigh(bad, all))
	}
	r.usual = min(r.usual, 0.5)
	r.odd = min(max(2*r.usual, r.usual+r.band.more), 0.95)
	r.good, r.ill = math.Log((1-r.odd)/(1-r.usual)), math.Log(r.odd/r.usual)
}

// wilsonHigh is the upper bound of a part that was seen.
func wilsonHigh(bad, all float64) float64 {
	p := bad / all
	centre := p + doubt*doubt/(2*all)
	return (centre + doubt*math.Sqrt(p*(1-p)/all+doubt*doubt/(4*all*all))) / (1 + doubt*doubt/all)
}

// add counts one request.
func (r *ratio) add(now time.Time, bad bool) {
	step, one := r.good, 0.0
	if bad {
		step, one = r.ill, 1
	}
	if r.high == 0 && step > 0 {
		r.since, r.seen, r.badSince = now, 0, 0
	}
	r.high = min(max(r.high+step, 0), max(r.ceiling, mostPerLook), ratioMost)
	r.seen++
	r.badSince += one
	r.pendAll++
	r.pendBad += one
	switch {
	case !r.raised && r.high >= ratioLimit:
		r.raised = true
	case r.raised && r.high == 0:
		r.raised, r.freezeFor = false, longest
	}
}

// look is called at each look: what came since the last is part of the past, unless something is odd or nearly so.
func (r *ratio) look() {
	r.ceiling = r.high + mostPerLook
	if before := max(r.All, r.wholeAll()); r.band.learned && before < ratioKnown {
		r.Bad, r.All, r.high, r.raised = r.Bad+r.pendBad, r.All+r.pendAll, 0, false
	} else if r.freezeFor > 0 {
		r.freezeFor--
	} else if !r.raised && r.high < ratioLimit/3 {
		const fade = 1 - 1.0/(fadeMinutes*looksPerMinute)
		r.Bad, r.All = r.Bad*fade+r.pendBad, r.All*fade+r.pendAll
	}
	r.pendBad, r.pendAll = 0, 0
	if !r.raised {
		r.settle()
	}
}

func (r *ratio) wholeAll() float64 {
	if r.whole == nil {
		return 0
	}
	return r.whole.All
}

// now is the part since it rose.
func (r *ratio) now() float64 { return r.badSince / float64(max(r.seen, 1)) }
