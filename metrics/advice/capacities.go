// Advice on capacities: what endpoints can do, against what they are said to.

package advice

import (
	"fmt"
	"math"
	"slices"
	"time"
)

const (
	// busyEnough is for how long an endpoint must have been busy to be judged.
	busyEnough = time.Hour
	// capacityOff is by how much a capacity may be off, beyond the error of what was measured.
	capacityOff = 0.2
	// capacityError is the most that what was measured may be off: an endpoint that is changing is looked at again later.
	capacityError = 0.1
	// capacityMoved is by how much what was measured must have moved for another value to be advised than before.
	capacityMoved = 0.1
)

// placeView is what was measured of one endpoint.
type placeView struct {
	rate     spread // work per second, as a logarithm
	busy     time.Duration
	requests int
	levels   [levelCount]level
}

func (p *place) view(now time.Time) placeView {
	v := placeView{levels: p.levels}
	v.rate, v.busy, v.requests = p.rate(busyEnough, now)
	return v
}

// measured is an endpoint that was busy for long enough.
type measured struct {
	Endpoint
	placeView
	ratio float64 // of what it does to what it is said to, as a logarithm; up to a factor that all share
}

// capacities compares the endpoints with each other, as capacities have any unit.
func capacities(v *view) []Advice {
	if v.setup.Policy == "round_robin" {
		return v.well(Capacity, 0, "policy round_robin does not go by capacities", nil)
	}
	var known []measured
	longest := time.Duration(0)
	for _, e := range v.setup.inUse() {
		p := v.places[e.Name]
		longest = max(longest, p.busy)
		if p.busy >= busyEnough && p.rate.n > 1 {
			known = append(known, measured{e, p, p.rate.mean - math.Log(e.Capacity)})
		}
	}
	if slices.ContainsFunc(v.setup.inUse(), func(e Endpoint) bool { return e.Slots == 0 }) {
		return v.unsure(Capacity, 0, "how busy endpoints are is not known without their slots: give each endpoint slots, or auto", nil)
	}
	if len(known) < 2 {
		return v.unsure(Capacity, 0, fmt.Sprintf("two endpoints must have been busy for %s each, which is three quarters of their slots in use; the busiest was for %s",
			busyEnough, longest.Round(time.Minute)), map[string]any{"busiest_s": math.Round(longest.Seconds())})
	}
	unit := common(known)
	var all []Advice
	n := 0
	for _, m := range known {
		n += m.requests
		if a, off := v.capacity(m, unit); off {
			all = append(all, a)
		}
	}
	if all == nil {
		return v.well(Capacity, n, fmt.Sprintf("%d endpoints do what their capacities say, give or take %s", len(known), percent(capacityOff)), nil)
	}
	return all
}

// common is the middle one of the ratios: the one or the few that are off do not move it. Of an even number it is the upper
// one of the two, as endpoints become slower more often than faster.
func common(list []measured) measured {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b measured) int {
		if a.ratio < b.ratio {
			return -1
		}
		return 1
	})
	return list[len(list)/2]
}

// capacity is the advice for one endpoint, if it is off.
func (v *view) capacity(m, unit measured) (a Advice, off bool) {
	ratio := m.ratio - unit.ratio
	wide := math.Hypot(m.rate.error, unit.rate.error)
	if m.AutoCapacity || m.Name == unit.Name || math.Abs(ratio)-min(wide, math.Log(1+capacityError)) <= math.Log(1+capacityOff) {
		delete(v.given, m.Name)
		return a, false
	}
	is := m.Capacity * math.Exp(ratio)
	if wide > math.Log(1+capacityError) {
		a = v.told(Capacity, NotEnoughData, m.requests, fmt.Sprintf("%s has capacity %s and seems to do the work of %s, give or take %s: that is not sure enough yet",
			m.Name, number(m.Capacity), number(is), percent(math.Exp(wide)-1)), map[string]any{"configured": m.Capacity, "measured": is})
		a.Endpoint = m.Name
		return a, true
	}
	given, before := v.given[m.Name]
	if !before || math.Abs(math.Log(is/given)) > math.Log(1+capacityMoved) {
		given = is
		v.given[m.Name] = is
	}
	between := [2]float64{m.Capacity * math.Exp(ratio-wide), m.Capacity * math.Exp(ratio+wide)}
	a = v.told(Capacity, Advised, m.requests, fmt.Sprintf("%s has capacity %s and does the work of %s (%s to %s), by what it did in %s of being busy",
		m.Name, number(m.Capacity), number(is), number(between[0]), number(between[1]), m.busy.Round(time.Minute)),
		map[string]any{"configured": m.Capacity, "measured": is, "busy_s": math.Round(m.busy.Seconds()), "compared_with": unit.Name})
	a.Endpoint, a.Interval = m.Name, &between
	a.Changes = []Change{{v.setup.Name, m.Name, "capacity", number(given)}}
	tried := v.setup.with(func(u *Upstream) { u.find(m.Name).Capacity = given })
	d := v.try(&a, 1, tried)
	return v.settle(a, d, d.gains()), true
}
