// Judging by speed: how much longer an endpoint takes than it used to, held against its peers.

package outlier

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/stats"
)

const (
	// leastSlow is how many requests must have ended for their times to say anything: one or two
	// slow requests are no fault.
	leastSlow = 4
	// certainty is how sure the judge must be that a difference is no chance: a healthy endpoint
	// looks so slow with a probability of e^-certainty at each look, and must do so twice. There are
	// some millions of looks a day.
	certainty = 18
	// leastScatter is the standard deviation of the logarithm of times that is believed at least:
	// servers that seem to take always the same time will not for ever.
	leastScatter = 0.3
	// baselineOf is how much an endpoint must have been seen of for its own past to be what it is
	// judged by. Before, it is what its capacity and slots promise, which is only roughly so, and
	// coldDoubt times the ratio is allowed.
	baselineOf = 10
	coldDoubt  = 2
	// baselineAge is how long ago a request was that counts for a third in the baseline, and
	// baselineLag how long requests wait to be part of it: not while they may be found slow.
	baselineAge = 30 * time.Minute
	baselineLag = 30 * time.Second
	// fleetOf is how many endpoints must be seen at once for their spread to say what is unusual.
	fleetOf = 5
	// slowTicks is for how many ticks in a row an endpoint must be slow: a pause of the whole server is over by then.
	slowTicks = 2
)

// lookbacks are the numbers of ticks that are looked at, the last one being the window's: few of a busy server,
// many of one with few, long requests.
var lookbacks = []int{1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610}

// pace is how fast one endpoint was over some ticks, as logarithms.
type pace struct {
	e         *Endpoint
	seen      moments
	promised  float64 // over what its capacity and slots promise; over its own past, where that is known
	absolute  float64 // over what its peers need; over its own past, where that is known
	certainty float64 // how many requests the comparison is worth
}

// learn lets what is old enough become part of the baseline of an endpoint that is well.
func (e *Endpoint) learn() {
	lag := min(int(baselineLag/tickEvery), len(e.window.items)-1)
	if e.out || e.slowFor > 0 || e.window.n <= lag {
		return
	}
	e.baseline.fade(1 - float64(tickEvery)/float64(baselineAge))
	e.baseline.add(e.window.back(lag).speed)
}

func (e *Endpoint) known() bool { return e.baseline.n >= baselineOf }

// promise is the logarithm of the time that one of the endpoint's slots needs for a unit of work.
func (e *Endpoint) promise() float64 {
	if !(e.reading.Capacity > 0) {
		return 0
	}
	return math.Log(float64(max(e.reading.Slots, 1)) / e.reading.Capacity)
}

// judgeSlow ejects endpoints that have become slow where their peers have not.
func (g *Group) judgeSlow(now time.Time) {
	found := g.findSlow()
	for _, e := range g.members {
		if e.window.n == 0 || e.window.back(0).speed.n == 0 { // nothing new
			continue
		}
		f, isSlow := found[e]
		switch {
		case !isSlow:
			e.slowFor = 0
		case e.window.back(0).speed.mean() >= f.bound: // else it may be over
			if e.slowFor++; e.slowFor >= slowTicks {
				g.accuse(e, f.finding, now)
			}
		}
	}
}

// slow is what there is to say against an endpoint, and the logarithm of the time that would
// not be too long.
type slow struct {
	finding
	bound float64
}

// findSlow returns what there is to say against endpoints that are slow now.
func (g *Group) findSlow() map[*Endpoint]slow {
	o := &g.options
	if o.SlowRatio == 0 {
		return nil
	}
	found := map[*Endpoint]slow{}
	spread, known := g.scatter()
	if !known {
		return nil
	}
	promised, absolute := g.offsets()
	for _, ticks := range lookbacks {
		list := g.paces(ticks, promised, absolute)
		if len(list) >= 2 {
			g.compare(list, ticks, spread, found)
		}
		if time.Duration(ticks)*tickEvery >= o.Window {
			break
		}
	}
	return found
}

// scatter is the standard deviation of the logarithms of times at one endpoint, of all together.
func (g *Group) scatter() (s float64, known bool) {
	sum, n := 0.0, 0.0
	for _, e := range g.members {
		var m moments
		for i := range e.window.n {
			m.add(e.window.back(i).speed)
		}
		if m.n > 1 {
			sum += m.scatter()
			n += m.n - 1
		}
	}
	if n < leastSlow {
		return 0, false
	}
	return max(math.Sqrt(sum/n), leastScatter), true
}

// offsets are what the known endpoints need beyond their promise, and at all: by them the
// promise of an endpoint that is not known yet becomes a time. 0 where none is known: then all
// are compared by promises alone.
func (g *Group) offsets() (promised, absolute float64) {
	var p, a []float64
	for _, e := range g.members {
		if e.known() && !e.out {
			p = append(p, e.baseline.mean()-e.promise())
			a = append(a, e.baseline.mean())
		}
	}
	if len(p) == 0 {
		return 0, 0
	}
	return stats.Median(p), stats.Median(a)
}

// paces are those of all endpoints with enough requests in the last ticks.
func (g *Group) paces(ticks int, promised, absolute float64) []pace {
	list := make([]pace, 0, len(g.members))
	for _, e := range g.members {
		if e.out {
			continue
		}
		p := pace{e: e}
		for i := range min(ticks, e.window.n) {
			p.seen.add(e.window.back(i).speed)
		}
		if p.seen.n < leastSlow {
			continue
		}
		mean := p.seen.mean()
		if e.known() {
			p.promised = mean - e.baseline.mean()
			p.absolute = p.promised
			p.certainty = 1 / (1/p.seen.n + 1/e.baseline.n)
		} else {
			p.promised, p.absolute = mean-e.promise()-promised, mean-absolute
			p.certainty = p.seen.n
		}
		list = append(list, p)
	}
	return list
}

// compare holds each endpoint of the list against the others.
func (g *Group) compare(list []pace, ticks int, spread float64, found map[*Endpoint]slow) {
	byPromise, byTime := newPeers(list, func(p *pace) float64 { return p.promised }), newPeers(list, func(p *pace) float64 { return p.absolute })
	doubt := 0.0 // of the middle of the others
	for i := range list {
		doubt += 1 / list[i].certainty
	}
	for i := range list {
		p := &list[i]
		over := min(p.promised-byPromise.median(p.promised), p.absolute-byTime.median(p.absolute))
		limit := g.slowLimit(p, byPromise)
		others := float64(len(list) - 1)
		worth := 1 / (1/p.certainty + math.Pi/2*(doubt-1/p.certainty)/(others*others))
		if over < limit || p.promised < limit/2 || !certain(over/spread, worth) || found[p.e].reason != "" {
			continue
		}
		ratio := math.Exp(over)
		f := finding{Slow, fmt.Sprintf("its requests take %.3g times as long as those of its peers, each by its own measure", ratio), map[string]any{
			"ratio_to_peers": stats.Round(ratio), "limit": stats.Round(math.Exp(limit)), "requests": int(p.seen.n), "seconds": ticks,
			"peers": len(list) - 1, "typical_seconds": stats.Round(math.Exp(p.seen.mean())),
		}}
		if p.e.known() {
			f.evidence["ratio_to_its_past"] = stats.Round(math.Exp(p.promised))
		}
		found[p.e] = slow{f, p.seen.mean() - over + limit}
	}
}

// slowLimit is the logarithm of the ratio that is too much: a fixed one in a small group, and
// in a large one what stands out from its spread.
func (g *Group) slowLimit(p *pace, peers *peers) float64 {
	limit := math.Log(g.options.SlowRatio)
	if !p.e.known() {
		return limit + math.Log(coldDoubt)
	}
	if len(peers.sorted) < fleetOf {
		return limit
	}
	const deviations = 5
	return min(max(deviations*peers.spread(), limit*2/3), limit*2)
}

// certain reports whether so many independent times, whose mean lies so many standard
// deviations over what it should be, can be no chance. It is Cramér's bound for logarithms that
// are exponentially distributed, as those of work with a heavy tail are; others are less wild.
func certain(deviations, n float64) bool {
	return deviations > 0 && n*(deviations-math.Log1p(deviations)) >= certainty
}

// peers is a sorted list of which one at a time is left out.
type peers struct{ sorted []float64 }

func newPeers(list []pace, by func(*pace) float64) *peers {
	p := &peers{make([]float64, len(list))}
	for i := range list {
		p.sorted[i] = by(&list[i])
	}
	slices.Sort(p.sorted)
	return p
}

// median is that of all but one with this value.
func (p *peers) median(but float64) float64 {
	at, _ := slices.BinarySearch(p.sorted, but)
	n := len(p.sorted) - 1
	value := func(i int) float64 { // of the list without it
		if i >= at {
			i++
		}
		return p.sorted[i]
	}
	return (value((n-1)/2) + value(n/2)) / 2
}

// spread is the standard deviation that the median absolute deviation of all speaks of.
func (p *peers) spread() float64 {
	middle := stats.Median(p.sorted)
	away := make([]float64, len(p.sorted))
	for i, v := range p.sorted {
		away[i] = math.Abs(v - middle)
	}
	return 1.4826 * stats.Median(away)
}
