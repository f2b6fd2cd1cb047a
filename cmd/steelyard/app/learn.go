package app

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/estimate"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/configs"
)

const (
	// measureEvery is how often what was measured of endpoints is looked at.
	measureEvery = time.Second
	// worthChange is the part by which a measured capacity must move to be worth a new snapshot.
	worthChange = 0.01
	// scaleChange is the part by which a measured scale must.
	scaleChange = 0.05
)

// optimalSplit is the policy that wants to know how many requests/s a unit of capacity is.
const optimalSplit = "optimal_split"

// measured says whether anything is to be learned of an upstream's endpoints.
func measured(c configs.Upstream) bool {
	if wantsScale(c) {
		return true
	}
	for _, e := range c.Endpoints {
		if e.Capacity.Auto || e.Slots.Auto {
			return true
		}
	}
	return false
}

var started = time.Now()

// sinceStart is one clock for all that follow each other as policies of a pool.
func sinceStart() time.Duration { return time.Since(started) }

// wantsScale says whether the scale of the capacities is to be measured.
func wantsScale(c configs.Upstream) bool { return c.Policy == optimalSplit && c.CapacityScale == 0 }

// assess finds what the members can do: as configured, or as far as it was measured.
func (u *upstream) assess() {
	if !measured(u.config) {
		u.estimate = nil
		for _, m := range u.members {
			slots := m.want.slots.Value
			m.estimate, m.worth = nil, estimate.Value{Capacity: m.want.capacity.Value, Slots: slots, AtOnce: slots}
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

// takeWorth takes over what was measured.
func (u *upstream) takeWorth() {
	for _, m := range u.members {
		m.worth = m.estimate.Value()
	}
}

// rescale tells the policy what scale was measured, and reports whether that is news.
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

// measure follows what endpoints can do until ctx ends.
func (f *fleet) measure(ctx context.Context) error {
	ticker := time.NewTicker(measureEvery)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			f.measureOnce(now.Sub(last))
			last = now
		}
	}
}

func (f *fleet) measureOnce(since time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, u := range f.upstreams {
		if u.estimate == nil {
			continue
		}
		u.estimate.Tick(since)
		if rescaled := u.rescale(); rescaled || u.worthMoved() {
			u.takeWorth()
			u.apply()
		}
	}
}

// worthMoved says whether what a member can do has changed enough to be told.
func (u *upstream) worthMoved() bool {
	return slices.ContainsFunc(u.members, func(m *member) bool {
		was, is := m.worth, m.estimate.Value()
		return is.Slots != was.Slots || is.AtOnce != was.AtOnce || math.Abs(is.Capacity-was.Capacity) > worthChange*was.Capacity
	})
}
