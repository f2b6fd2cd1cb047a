// Following the measured capacities, slots and scale of endpoints.

package app

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/estimate"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/configs"
)

const (
	// measureEvery is how often the measurements are looked at.
	measureEvery = time.Second
	// ratingChange is the part by which a measured capacity must change to be worth a new snapshot.
	ratingChange = 0.01
	// scaleChange is the same for a measured scale.
	scaleChange = 0.05
)

// optimalSplit is the policy that needs to know how many requests/s one unit of capacity sustains.
const optimalSplit, leastCost = "optimal_split", "least_cost"

// measured says whether anything about an upstream's endpoints must be measured.
func measured(c configs.Upstream) bool {
	if wantsScale(c) {
		return true
	}
	for _, e := range c.Endpoints {
		if e.Capacity.Auto || e.Slots.Auto {
			return true
		}
	}
	return c.Discovery != nil && (c.Discovery.Capacity.Auto || c.Discovery.Slots.Auto)
}

var started = time.Now()

// sinceStart is the clock of all policies that a pool has, one after the other.
func sinceStart() time.Duration { return time.Since(started) }

// wantsScale says whether the scale of the capacities must be measured.
func wantsScale(c configs.Upstream) bool { return c.Policy == optimalSplit && c.CapacityScale == 0 }

// assess sets the capacity and slots of each member, configured or measured.
func (u *upstream) assess() {
	if !measured(u.config) {
		u.estimate = nil
		for _, m := range u.members {
			slots := m.want.slots.Value
			m.estimate, m.rating = nil, estimate.Value{Capacity: m.want.capacity.Value, Slots: slots, AtOnce: slots}
		}
		return
	}
	all := make([]*estimate.Endpoint, len(u.members))
	for i, m := range u.members {
		o := estimate.Options{
			Capacity: m.want.capacity.Value, AutoCapacity: m.want.capacity.Auto,
			Slots: m.want.slots.Value, AutoSlots: m.want.slots.Auto, Meter: &m.target.Meter,
		}
		if m.estimate == nil {
			m.estimate = estimate.NewEndpoint(o)
		}
		m.estimate.Configure(o)
		all[i] = m.estimate
	}
	u.estimate = estimate.Of(all...)
	u.estimate.Values()
	u.takeWorth()
	u.rescale()
}

// takeWorth takes over the measured values.
func (u *upstream) takeWorth() {
	for _, m := range u.members {
		m.rating = m.estimate.Value()
		m.rating.Capacity = u.capacityOf(m)
	}
}

// rescale tells the policy the measured scale, and reports whether it has changed enough to matter.
func (u *upstream) rescale() bool {
	if !wantsScale(u.config) {
		return false
	}
	scale := u.estimate.Scale()
	if math.Abs(scale-u.scale) <= scaleChange*u.scale {
		return false
	}
	u.scale = scale
	u.options.Policy = policy.OptimalSplit(policy.OptimalSplitOptions{Scale: scale, Now: sinceStart})
	return true
}

// measure follows the measurements until ctx ends.
func (f *fleet) measure(ctx context.Context) error {
	last, told := time.Now(), map[*balancer.Endpoint]bool{}
	return every(ctx, measureEvery, func(now time.Time) {
		f.measureOnce(now.Sub(last))
		told, last = f.tellDrained(told), now
	})
}

func (f *fleet) measureOnce(since time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, u := range f.upstreams {
		if f.gateways != nil && u.heed(f.gateways()) {
			u.apply()
		}
		if f.sweep(u); u.estimate == nil {
			continue
		}
		u.estimate.Tick(since)
		if rescaled := u.rescale(); rescaled || u.ratingsMoved() {
			u.takeWorth()
			u.apply()
		}
	}
}

// ratingsMoved says whether what a member can do has changed by enough for a new snapshot.
func (u *upstream) ratingsMoved() bool {
	return slices.ContainsFunc(u.members, func(m *member) bool {
		was, is := m.rating, m.estimate.Value()
		is.Capacity = u.capacityOf(m)
		return is.Slots != was.Slots || is.AtOnce != was.AtOnce || math.Abs(is.Capacity-was.Capacity) > ratingChange*was.Capacity
	})
}
