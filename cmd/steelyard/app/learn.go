package app

import (
	"context"
	"math"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/estimate"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/proxy"
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

// learning makes what measures u, which goes on from what old knew. old may be nil.
func (u *upstream) learning(old *upstream) {
	if !u.rules.Measured {
		u.worth = make([]estimate.Value, len(u.targets))
		for i, t := range u.targets {
			u.worth[i] = estimate.Value{Capacity: t.config.Capacity.Value, Slots: t.config.Slots.Value, AtOnce: t.config.Slots.Value}
		}
		return
	}
	options := make([]estimate.Options, len(u.targets))
	for i, t := range u.targets {
		options[i] = estimate.Options{
			Capacity: t.config.Capacity.Value, AutoCapacity: t.config.Capacity.Auto,
			Slots: t.config.Slots.Value, AutoSlots: t.config.Slots.Auto, Meter: &t.rules.Meter,
		}
	}
	u.estimate, u.scaled = estimate.New(options), u.learner.Scaled()
	if old != nil && old.estimate != nil {
		u.scaled = old.scaled
		for i, t := range u.targets {
			for j, before := range old.targets {
				if t.rules == before.rules {
					u.estimate.Inherit(i, old.estimate, j)
				}
			}
		}
	}
	u.worth = u.estimate.Values()
	u.rescale()
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

// apply tells the pool of the endpoints, and the requests of what they can do.
func (u *upstream) apply() {
	endpoints := make([]balancer.EndpointOptions, len(u.targets))
	for i, t := range u.targets {
		t.rules.Worth.Set(u.worth[i].Capacity, u.worth[i].AtOnce)
		endpoints[i] = balancer.EndpointOptions{
			Name: t.config.Name, URL: t.config.URL, Capacity: u.worth[i].Capacity, Slots: u.worth[i].Slots, Via: t.rules,
		}
	}
	if err := u.pool.Apply(u.options, endpoints); err != nil {
		panic("BUG: a checked configuration was refused: " + err.Error())
	}
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
		if scaled := u.learner.Scaled(); scaled != u.scaled {
			u.estimate.Forget()
			u.scaled = scaled
		}
		next := u.estimate.Tick(since)
		if rescaled := u.rescale(); rescaled || moved(u.worth, next) {
			u.worth = next
			u.apply()
		}
	}
}

// moved says whether anything has changed enough to be told.
func moved(before, now []estimate.Value) bool {
	for i := range now {
		if now[i].Slots != before[i].Slots || now[i].AtOnce != before[i].AtOnce || math.Abs(now[i].Capacity-before[i].Capacity) > worthChange*before[i].Capacity {
			return true
		}
	}
	return false
}

// openRequestLog begins the request log, if there is to be one.
func (a *App) openRequestLog(cfg *configs.Config) (err error) {
	if a.fleet.logged = cfg.Log.Requests != ""; a.fleet.logged {
		a.requests, err = proxy.OpenRequestLog(proxy.RequestLogOptions{
			Path: cfg.Log.Requests, Log: a.log, Dropped: a.metrics.RequestRowDropped,
		})
	}
	return err
}
