// Endpoints held against their peers, look by look.

package anomaly

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/stats"
)

const (
	// certain is the logarithm of how much likelier a slow server must have become (the CUSUM of Page, the soonest there
	// is for so few false alarms: by chance once in e^certain looks). A fleet adds the logarithm of its size.
	certain = 12
	// mostPart is the part of that which one look may add: what happens in a few seconds, however much, is a pause.
	mostPart = 0.4
	// mostCertain keeps a long fault from taking as long to be over, as a part of certain.
	mostCertain = 1.2
	// besideSlow is how many times more than the limit a slow server is taken to be slower by. What is as likely
	// of a calm server as of a slow one is about the root of both.
	besideSlow = 1.2
	// levelOver is over how many looks the present level of the others is taken, and levelLeast how many requests the
	// long mean counts for in that.
	levelOver, levelLeast = 12, 20
	// leastOwn is how many requests it takes to say that a server is slow, and leastLooks how many looks.
	leastOwn, leastLooks = 20, 3
	// calmLooks is after how many looks without it is over, and calmWidth by how many of the last that is seen.
	calmLooks, calmWidth = 5, 6
	// mostAccused is the part of an upstream's endpoints that may be odd; where more are it is the upstream.
	mostAccused = 3
	// mostOfLook is how many requests of a look are listened to of one endpoint, and twice that.
	mostOfLook = 256
	// mostScatter bounds what one look says of how much more looks scatter than chance would have them.
	mostScatter = 9
)

// race is how one endpoint does beside the others.
type race struct {
	level   float64        // of the others' times now, beside the upstream's base
	came    int            // requests of this look
	thin    stats.Thinning // says which of them are listened to
	said    float64        // what those say
	n       float64        // and how many they are
	sum     float64        // of their times, as logarithms
	lately  float64        // the same of the last looks; they fade
	latelyN float64
	certain float64 // the CUSUM
	rose    int     // the look at which it left 0
	counted uint64  // bit i: its requests of i looks ago are among those of the peers
}

// heard counts a request of an endpoint; x is how long it took for its work. Of a busy endpoint's requests some are enough,
// and chance says which: of long and short ones in turn it takes both.
func (u *upstream) heard(e *endpoint, look int, x, longer float64) {
	r := &e.race
	if r.came++; !r.thin.Takes() {
		return
	}
	beside := x - u.measure(e) - u.Base
	e.samples.add(look, x)
	r.said += u.Shape.score[binOf(beside-r.level)]
	r.n++
	r.sum += longer
	if r.counted&1 != 0 {
		u.together[look%longest][binOf(beside)]++
		u.calmNow[binOf(beside-r.level)]++
	}
}

// known is called when an endpoint's own measure begins to count.
func (r *race) known(measure float64) {
	r.lately -= measure * r.latelyN
	r.certain = 0
}

// judgePeers looks for endpoints that are slower than the others. That they are slower than the others were in the last
// minutes is judged first, which says more; and then by how much they are slower than the others now, so that what makes
// all slower makes nobody odd.
func (u *upstream) judgePeers(now time.Time, look int) {
	if len(u.list) > 1 && u.Shape.known() {
		enough := certain + math.Log(float64(len(u.list)))
		for _, e := range u.list {
			u.add(e, look, enough)
			u.decide(e, now, look, enough)
		}
		u.onlyOne()
	}
	u.levels(look)
}

// add takes what the requests of a look say.
func (u *upstream) add(e *endpoint, look int, enough float64) {
	r := &e.race
	if r.n == 0 {
		return
	}
	if !e.accused() && r.n >= 5 {
		// Requests of one look are like each other, and so are looks: they say less than as many apart.
		off := r.said - r.n*u.Shape.mean
		u.Scatter += (min(off*off/(r.n*u.Shape.spread), mostScatter) - u.Scatter) / min(u.Scatters+1, float64(shapeOver*len(u.list)))
		u.Scatters++
	}
	if r.certain == 0 {
		r.rose = look
	}
	r.certain = min(max(r.certain+min(r.said/max(u.Scatter, 1), mostPart*enough), 0), mostCertain*enough)
}

// decide says whether an endpoint is slow.
func (u *upstream) decide(e *endpoint, now time.Time, look int, enough float64) {
	if !e.slow && e.race.certain < enough {
		return
	}
	width := calmWidth
	if !e.slow {
		width = max(look-e.race.rose+1, leastLooks)
	}
	width = min(width, longest, e.samples.held(look))
	shift, own, others := u.beside(e, look, width)
	for e.slow && 2*width <= e.samples.held(look) && (own < leastOwn || others < leastOwn) {
		width *= 2
		shift, own, others = u.beside(e, look, width)
	}
	if own < leastOwn || others < leastOwn {
		return
	}
	e.shift, e.window = shift, time.Duration(width)*lookEvery
	switch {
	case !e.slow && shift > u.limit(e):
		e.slow, e.calm = true, 0
		e.since = now.Add(-time.Duration(look-e.race.rose+1) * lookEvery)
	case e.slow && shift < math.Log(over):
		if e.calm++; e.calm >= calmLooks {
			e.slow, e.race.certain = false, 0
		}
	case e.slow:
		e.calm = 0
	}
}

// limit is the logarithm of the ratio that is too much for an endpoint.
func (u *upstream) limit(e *endpoint) float64 {
	if !e.known() {
		return math.Log(u.options.Slow * cold)
	}
	return math.Log(u.options.Slow)
}

// onlyOne leaves of two endpoints only the slower one accused: each is slow beside the other's past.
func (u *upstream) onlyOne() {
	if len(u.list) == 2 && u.list[0].slow && u.list[1].slow {
		other := slices.MinFunc(u.list, func(a, b *endpoint) int { return cmp.Compare(a.shift, b.shift) })
		other.slow = false
	}
}

// beside is how much slower an endpoint was in the last looks than the others were in the same, as a logarithm, and by how many
// requests of its own and of the others that is told.
func (u *upstream) beside(e *endpoint, look, width int) (shift, own, others float64) {
	var mine, rest spread
	for back := range width {
		of := &u.together[((look-back)%longest+longest)%longest]
		for i, n := range of {
			rest[i] += n
			others += float64(n)
		}
	}
	less := u.measure(e) + u.Base
	e.samples.each(look-width+1, func(at int, x float64) {
		bin := binOf(x - less)
		mine[bin]++
		own++
		if e.race.counted>>(look-at)&1 != 0 {
			rest[bin] = max(rest[bin]-1, 0)
			others--
		}
	})
	return u.Shape.moved(&mine) - u.Shape.moved(&rest), own, others
}

// levels takes the requests of a look for part of what is usual now, and begins the next one.
func (u *upstream) levels(look int) {
	const keep = 1 - 1.0/levelOver
	everyone := !slices.ContainsFunc(u.list, func(e *endpoint) bool { return !e.accused() })
	sum, n := levelLeast*u.Centre, float64(levelLeast)
	for _, e := range u.list {
		r := &e.race
		r.lately, r.latelyN = r.lately*keep+r.sum, r.latelyN*keep+r.n
		r.thin = stats.NewThinning(1 + r.came/mostOfLook)
		r.said, r.n, r.sum, r.came = 0, 0, 0, 0
		r.counted <<= 1
		if everyone || !e.accused() {
			r.counted |= 1
			sum, n = sum+r.lately, n+r.latelyN
		}
	}
	for _, e := range u.list {
		r := &e.race
		if r.counted&1 != 0 {
			r.level = (sum-r.lately)/(n-r.latelyN) - u.Base
		} else {
			r.level = sum/n - u.Base
		}
	}
	u.Shape.learn(&u.calmNow)
	u.calmNow = spread{}
	if look%looksPerMinute == 0 {
		u.Shape.settle(u.slower())
	}
	u.together[(look+1)%longest] = spread{}
}

// slower is the logarithm of the factor that a slow server is taken to be slower by.
func (u *upstream) slower() float64 { return math.Log(u.options.Slow * besideSlow) }

// measure is what is taken from an endpoint's times before they are compared: its own, once that is known.
func (u *upstream) measure(e *endpoint) float64 {
	if e.known() {
		return e.Offset
	}
	return 0
}
