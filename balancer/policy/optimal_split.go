// The policy optimal_split: the fixed parts with the least mean response time.

package policy

import (
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// OptimalSplitOptions tune the policy optimal_split.
type OptimalSplitOptions struct {
	// Scale is how many requests per second one unit of capacity sustains: 1 if capacities
	// are requests per second. 0 is unknown; shares are proportional to capacity then.
	Scale float64
	// Now is a monotonic clock that is never negative; nil for the process's own. Picks read
	// it every 10 ms, or with each request if they come more slowly, but at least with each
	// 16th request. A reading costs up to 50 ns, which is 3 ns a request at high rates.
	Now func() time.Duration
}

// OptimalSplit returns the policy that shares requests by fixed parts: those with the least
// mean response time of all parts that depend on nothing but the traffic T. With capacities
// C in requests per second an endpoint gets C - √C·a of T. Here a is (ΣC - T)/Σ√C over the
// endpoints that get any; a slow endpoint gets requests only once T is above a threshold
// (Buzen and Chen 1974; Bell and Stidham, Management Science 29, 1983). Requests follow the
// parts as in Capacity.
//
// An endpoint keeps at least a hundredth of its proportional share. That is far less than what
// it sustains, however slow it is, and 1 % of all requests at most, but enough to see how it
// does. T is measured over the last 10 seconds; or over the last 400 requests, if those took
// longer, but over no more than 60 seconds. Each second the shares follow if T has changed by
// more than 5 %. The pick that finds that out is O(n log n), about 1 ms for 10,000 endpoints.
//
// Shares are proportional to capacity while T or the scale is not known, and when T is ΣC or
// more. The note of the pickers says so.
func OptimalSplit(o OptimalSplitOptions) balancer.Builder {
	b := optimalBuilder{o}
	if b.options.Now == nil {
		start := time.Now()
		b.options.Now = func() time.Duration { return time.Since(start) }
	}
	return b
}

type optimalBuilder struct{ options OptimalSplitOptions }

func (b optimalBuilder) Name() string {
	if b.options.Scale > 0 {
		return fmt.Sprintf("optimal_split, %v requests/s per unit", b.options.Scale)
	}
	return "optimal_split"
}

func (b optimalBuilder) Build(candidates []balancer.Candidate) balancer.Picker {
	p := &optimalPicker{
		schedule: newSchedule(candidates, proportions(candidates)),
		split:    newSplit(candidates),
		scale:    b.options.Scale,
		traffic:  &traffic{now: b.options.Now},
		parts:    make([]float64, len(candidates)),
	}
	return p
}

// worthwhile is the part, 0 to 1, by which T must change for the shares to follow.
const worthwhile = 0.05

type optimalPicker struct {
	*schedule
	split   split
	scale   float64
	traffic *traffic
	parts   []float64     // memory for the next parts
	rate    atomic.Uint64 // bits of the T that the shares are for, 0 before one was measured; written by the pool's calls, read by Note
}

// Pick implements balancer.Picker.
func (p *optimalPicker) Pick(r *balancer.Request) (int, bool) {
	i, ok := p.schedule.Pick(r)
	if ok && p.scale > 0 && p.traffic.count() {
		p.follow()
	}
	return i, ok
}

// follow brings the shares up to the measured T, if that has changed by enough.
func (p *optimalPicker) follow() {
	rate, ok := p.traffic.rate()
	before := math.Float64frombits(p.rate.Load())
	if !ok || math.Abs(rate-before) <= worthwhile*before {
		return
	}
	p.aimAt(rate)
}

func (p *optimalPicker) aimAt(rate float64) {
	p.rate.Store(math.Float64bits(rate))
	p.split.at(rate/p.scale, p.parts)
	p.aim(p.parts)
}

// Inherit implements balancer.Picker. What was measured stays measured.
func (p *optimalPicker) Inherit(predecessor balancer.Picker) {
	p.schedule.Inherit(predecessor)
	before, ok := predecessor.(*optimalPicker)
	if !ok || !(p.scale > 0) {
		return
	}
	p.traffic = before.traffic
	if rate := math.Float64frombits(before.rate.Load()); rate > 0 {
		p.aimAt(rate)
	}
}

// Note implements balancer.Noter.
func (p *optimalPicker) Note() string {
	const proportional = "shares are proportional to capacity: "
	if !(p.scale > 0) {
		return proportional + "it is not known how many requests per second a unit of capacity sustains"
	}
	rate := math.Float64frombits(p.rate.Load())
	if rate == 0 {
		return proportional + "traffic has not been measured for 10 seconds yet"
	}
	sustained := 0.0
	for _, c := range p.candidates {
		sustained += c.Capacity * p.scale
	}
	used := p.split.used(rate / p.scale)
	traffic := fmt.Sprintf("%.4g requests/s of the %.4g that the endpoints sustain", rate, sustained)
	switch idle := p.split.order[used:]; {
	case p.split.full(rate / p.scale):
		return proportional + traffic
	case len(idle) == 0:
		return traffic + ": all are above their threshold"
	default:
		return fmt.Sprintf("%s: 1 %% of their proportional share for %s, below their threshold", traffic, p.names(idle))
	}
}

// names lists the first few of the candidates.
func (p *optimalPicker) names(indexes []int32) string {
	const most = 5
	var names []string
	for _, i := range indexes[:min(most, len(indexes))] {
		names = append(names, p.candidates[i].Endpoint.Name())
	}
	list := strings.Join(names, ", ")
	if more := len(indexes) - most; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}
