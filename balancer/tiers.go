// Tiers: endpoints that are used only where those before them fall short.

package balancer

import (
	"maps"
	"math"
	"slices"
)

// tierStrength is what a tier has. Both are in parts of the same capacity.
type tierStrength struct {
	able  float64 // what its endpoints that may be picked can do now
	whole float64 // what all of them could do
	well  int     // how many may be picked
	here  int     // how many of them neither ask for a pause nor are out, as connections to them fail
}

// tiersInUse returns the last tier that is used, and whether that is not the first. A tier is used
// if those before it can do less than the ratio of their whole capacity, or nothing at all, or all
// of them are away for a moment. It is a
// pure function of what each tier has.
func tiersInUse(tiers map[int]tierStrength, ratio float64) (last int, spilled bool) {
	order := slices.Sorted(maps.Keys(tiers))
	var sum tierStrength
	for n, tier := range order {
		t := tiers[tier]
		sum.able, sum.whole, sum.well, sum.here = sum.able+t.able, sum.whole+t.whole, sum.well+t.well, sum.here+t.here
		if last, spilled = tier, n > 0; sum.here > 0 && sum.able >= ratio*sum.whole*(1-rounding) {
			break
		}
	}
	return last, spilled && sum.well > 0
}

// standBy takes the endpoints of the tiers that are not used out. What is on trial, and what
// ramps, is not yet counted on; what departs or has still to arrive is not missed.
func (s *Snapshot) standBy(ratio float64) {
	if !slices.ContainsFunc(s.Endpoints, func(e EndpointState) bool { return e.Tier != s.Endpoints[0].Tier }) {
		return
	}
	unit := 0.0
	for i := range s.Endpoints {
		unit = max(unit, s.Endpoints[i].Base)
	}
	tiers := map[int]tierStrength{}
	for i := range s.Endpoints {
		e := &s.Endpoints[i]
		t := tiers[e.Tier]
		if e.Conditions&(Departing|Arriving) == 0 {
			t.whole += e.Base / unit
		}
		if e.Eligible {
			t.well++
			if !e.Endpoint.away() {
				t.here++
			}
		}
		if e.Eligible && e.Trial == 0 {
			t.able += e.Capacity / unit
		}
		tiers[e.Tier] = t
	}
	last, spilled := tiersInUse(tiers, ratio)
	s.Spilled, s.tiered, s.nearest = spilled, true, s.nearestHere()
	for i := range s.Endpoints {
		if e := &s.Endpoints[i]; e.Eligible && e.Tier > last {
			e.Eligible, e.Standby = false, true
		}
	}
}

// away reports whether the endpoint is out, as connections to it fail, or asks for a pause.
func (e *Endpoint) away() bool { return e.Unreachable() || e.Cooling() }

// nearestHere returns the first tier of which an endpoint that may be used is not away; where all are, one after the last.
func (s *Snapshot) nearestHere() int {
	nearest := math.MaxInt
	for i := range s.Endpoints {
		if e := &s.Endpoints[i]; (e.Eligible || e.Standby) && e.Tier < nearest && !e.Endpoint.away() {
			nearest = e.Tier
		}
	}
	return nearest
}

// shifts reports whether endpoints that went away or came back since the snapshot change which tiers are used.
func (s *Snapshot) shifts() bool { return s.tiered && s.nearestHere() != s.nearest }
