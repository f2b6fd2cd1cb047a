// Endpoints held against their peers.

package anomaly

import (
	"cmp"
	"math"
	"slices"
	"time"
)

const (
	// certain is how many standard deviations higher than its peers' the times of an endpoint must rank.
	certain = 3.9
	// ofLooks is in how many looks in a row, calmLooks after how many without it is over.
	ofLooks, calmLooks = 3, 5
	// mostAccused is the part of an upstream's endpoints that may be odd; where more are it is the upstream.
	mostAccused = 3
)

// judgePeers looks for endpoints that are slower than the others. Chance is judged by what the others did over a longer
// time, which says more; the difference by what they do now, so that what makes all slower makes nobody odd.
func (u *upstream) judgePeers(now time.Time, look int) {
	if len(u.endpoints) < 2 {
		return
	}
	seen := map[int]*looked{}
	for _, e := range u.list {
		width, p := u.narrowest(e, look, seen)
		isSlow := false
		if p != nil {
			e.z, e.window = p.versus(e).deviations(), time.Duration(width)*lookEvery
			if e.z > certain || e.slow {
				e.shift = versus{own: p.own[e], all: p.rest(e)}.shift()
			}
			isSlow = e.z > certain && e.shift > u.limit(e) && u.stillSlow(e, look, p)
		}
		if p != nil || !e.slow {
			e.seen(now, isSlow, width)
		}
	}
	u.onlyOne()
}

// limit is the logarithm of the ratio that is too much for an endpoint.
func (u *upstream) limit(e *endpoint) float64 {
	if !e.known() {
		return math.Log(u.options.Slow * cold)
	}
	return math.Log(u.options.Slow)
}

// seen counts the looks in which it was slow, and those in which it was not.
func (e *endpoint) seen(now time.Time, isSlow bool, width int) {
	e.slowIn = [3]bool{e.slowIn[1], e.slowIn[2], isSlow}
	n := 0
	for _, was := range e.slowIn {
		if was {
			n++
		}
	}
	switch {
	case !e.slow && isSlow && n >= ofLooks:
		e.slow, e.calm = true, 0
		e.since = now.Add(-time.Duration(min(width, windows[0])+1) * lookEvery)
	case e.slow && !isSlow && e.shift < math.Log(over):
		if e.calm++; e.calm >= calmLooks {
			e.slow, e.slowIn = false, [3]bool{}
		}
	case e.slow:
		e.calm = 0
	}
}

// onlyOne leaves of two endpoints only the slower one accused: each is slow beside the other's past.
func (u *upstream) onlyOne() {
	if len(u.list) == 2 && u.list[0].slow && u.list[1].slow {
		other := slices.MinFunc(u.list, func(a, b *endpoint) int { return cmp.Compare(a.shift, b.shift) })
		other.slow = false
	}
}

// longer is how many times a window the others are looked at, to tell chance.
const longer = 4

// looked is the requests of one window: of each endpoint, and of all that are not accused over a longer time.
type looked struct {
	count map[*endpoint]int
	peers map[*endpoint]bool // whom others are held against: those that are not accused, or all where all are
	n     int                // requests of the peers
	// What follows is there once the window is the one to look at.
	own  map[*endpoint]pool
	mine map[*endpoint]pool // over the longer time
	all  pool
}

// window counts the requests of one.
func (u *upstream) window(look, width int) *looked {
	p := &looked{count: map[*endpoint]int{}, peers: map[*endpoint]bool{}}
	everyone := !slices.ContainsFunc(u.list, func(e *endpoint) bool { return !e.accused() })
	for _, e := range u.list {
		p.count[e] = e.samples.since(look - width + 1)
		if everyone || !e.accused() {
			p.peers[e] = true
			p.n += p.count[e]
		}
	}
	return p
}

// sort takes the requests themselves, which is the costly part.
func (p *looked) sort(u *upstream, look, width int) {
	p.own, p.mine = map[*endpoint]pool{}, map[*endpoint]pool{}
	for _, e := range u.list {
		p.own[e] = e.samples.sorted(look-width+1, u.measure(e))
		if p.peers[e] {
			p.mine[e] = e.samples.sorted(look-longer*width+1, u.measure(e))
			p.all = p.all.with(p.mine[e])
		}
	}
}

func (p *looked) versus(e *endpoint) versus { return versus{p.own[e], p.all, p.mine[e]} }

// narrowest is the narrowest window in which the endpoint and the others have requests enough; nil: none.
func (u *upstream) narrowest(e *endpoint, look int, seen map[int]*looked) (int, *looked) {
	for _, width := range windows {
		p := seen[width]
		if p == nil {
			p = u.window(look, width)
			seen[width] = p
		}
		others := p.n
		if p.peers[e] {
			others -= p.count[e]
		}
		if p.count[e] < eachSide || others < eachSide {
			continue
		}
		if p.own == nil {
			p.sort(u, look, width)
		}
		return width, p
	}
	return 0, nil
}

// measure is what is taken from an endpoint's times before they are compared: its own, or that of the others.
func (u *upstream) measure(e *endpoint) float64 {
	if e.known() {
		return e.offset
	}
	return 0
}

// stillSlow says whether it is slow from look to look: a pause of some seconds fills a window, and is over.
func (u *upstream) stillSlow(e *endpoint, look int, p *looked) bool {
	rest, measure, limit := p.rest(e), u.measure(e), steadyPart*u.limit(e)
	slow, known := 0, 0
	for i := range steadyOf {
		own := e.samples.between(look-i, look-i, measure)
		if len(own) < steadyLeast {
			continue
		}
		known++
		if (versus{own: own, all: rest}).shift() > limit {
			slow++
		}
	}
	if known < steadyOf {
		newest := e.samples.sorted(look-newestLooks+1, measure)
		return len(newest) < newestLeast || versus{own: newest, all: rest}.shift() > limit
	}
	return slow >= steadyIn
}

const (
	// steadyIn of the last steadyOf looks must be slow each on its own, by steadyPart of the limit, where each has
	// steadyLeast requests. Where they have fewer, the last newestLooks together, if they have newestLeast.
	steadyIn, steadyOf, steadyLeast = 3, 4, 20
	steadyPart                      = 0.6
	newestLooks, newestLeast        = 2, 8
)

// rest are the requests of all others that are not accused.
func (p *looked) rest(e *endpoint) (rest pool) {
	for o, own := range p.own {
		if o != e && p.peers[o] {
			rest = rest.with(own)
		}
	}
	return rest
}
