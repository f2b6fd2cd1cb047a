// Notes on settings that have no effect.

package configs

import (
	"slices"
	"time"
)

// review notes every setting of a valid configuration that has no effect. A setting with its default value is not
// noted, since the output of check has them all.
func (r *report) review(c *Config) {
	r.reviewWebhooks(c.Webhooks)
	r.reviewNotify(c.Notify)
	r.reviewUsage(c)
	r.reviewAlerts(c)
	r.reviewOptimise(c)
	r.reviewAnomalies(c)
	r.reviewShared(c)
	if c.Limits.ReplayBytes == 0 && c.Limits.BodyMemory != 0 && c.Limits.BodyMemory != defaults().Limits.BodyMemory {
		r.note("limits.body_memory", "raise replay_bytes, or remove it", "has no effect: with replay_bytes 0 no body is held")
	}
	if c.Limits.ReplayBytes == 0 && c.Clients.MaxBodyMemory != 0 {
		r.note("clients.max_body_memory", "raise replay_bytes, or remove it", "has no effect: with replay_bytes 0 no body is held")
	}
	r.reviewAdmin(&c.Admin)
	r.reviewScaler(c)
	r.reviewResources(c)
	routed := map[string]bool{}
	for _, route := range c.Routes {
		routed[route.Upstream] = true
	}
	for i := range c.Upstreams {
		routed[c.Upstreams[i].Fallback] = true
	}
	slots, wait := leastSlots(c), false
	for i := range c.Upstreams {
		u, p := &c.Upstreams[i], path("upstreams").item(i)
		if !routed[u.Name] {
			r.note(p, "add a route to it, or remove it", "upstream %s has no effect: no route leads to it", quote(u.Name))
		}
		r.reviewSharing(p, u)
		r.reviewPrompts(p, u)
		queues := r.reviewQueue(p.key("queue"), u, slots)
		wait = wait || queues
		r.reviewPredict(p, c, u, queues)
		r.reviewEndpoints(p.key("endpoints"), u, slots)
		r.reviewHealth(p.key("health"), &u.Health)
		r.reviewSignals(p.key("signals"), &u.Signals)
		r.reviewTimeouts(p, u)
		r.reviewRetry(p.key("retry"), &u.Retry)
		r.reviewRecovery(p.key("recovery"), u.Recovery)
		r.reviewScaling(p.key("scale"), u)
		r.reviewDiscovery(p.key("discovery"), u.Discovery)
		r.reviewHedge(p.key("hedge"), u)
		if u.Connections.MaxIdle == 0 && u.Connections.IdleTimeout != upstreamDefaults().Connections.IdleTimeout {
			r.note(p.key("connections").key("idle_timeout"), "raise max_idle, or remove it", "has no effect: with max_idle 0 no idle connection is kept")
		}
	}
	if c.Clients.MaxWaiting != 0 && !wait {
		r.note("clients.max_waiting", "give endpoints slots, or remove it", "has no effect: no upstream has a queue that requests wait in")
	}
}

// said is a number of slots and the place that gives it. Several places may speak of one server: the least counts.
type said struct {
	slots int // 0: measured
	at    path
}

// leastSlots returns, by URL, the number of slots that counts for each server that has a limit.
func leastSlots(c *Config) map[string]said {
	least := map[string]said{}
	for i, u := range c.Upstreams {
		for j, e := range u.Endpoints {
			at := path("upstreams").item(i).key("endpoints").item(j).key("slots")
			known, found := least[e.URL]
			switch {
			case e.Slots == Slots{}:
			case !found, e.Slots.Value > 0 && (known.slots == 0 || e.Slots.Value < known.slots):
				least[e.URL] = said{e.Slots.Value, at}
			}
		}
	}
	return least
}

func (r *report) reviewSharing(p path, u *Upstream) {
	if u.CapacityScale != 0 && u.Policy != "optimal_split" {
		r.note(p.key("capacity_scale"), "choose that policy, or remove it", "has no effect with policy %s: only optimal_split asks for it", u.Policy)
	}
	if u.Gateways != upstreamDefaults().Gateways && u.Policy != "least_cost" {
		r.note(p.key("gateways"), "choose that policy, or remove it", "has no effect with policy %s: only least_cost asks for it", u.Policy)
	}
	if u.TimeScale != 0 && u.Policy != "least_cost" {
		r.note(p.key("time_scale"), "choose that policy, or remove it", "has no effect with policy %s: only least_cost reckons in seconds", u.Policy)
	}
	if u.Policy != "round_robin" {
		return
	}
	for i, e := range u.Endpoints {
		if e.Capacity.Auto || e.Capacity != u.Endpoints[0].Capacity {
			r.note(p.key("endpoints").item(i).key("capacity"), "choose another policy, or remove it",
				"has no effect on the shares: policy round_robin gives each endpoint the same")
			return
		}
	}
}

// reviewQueue says whether requests of the upstream ever wait.
func (r *report) reviewQueue(p path, u *Upstream, slots map[string]said) bool {
	why, remedy := "no endpoint has slots, so that no request waits", "give the endpoints slots, or remove it"
	for _, e := range u.Endpoints {
		if _, limited := slots[e.URL]; limited {
			why = ""
		}
	}
	if u.finds() { // it may find some that have slots
		why = ""
	}
	q, usual := u.Queue, upstreamDefaults().Queue
	if u.Policy == "least_cost" && q.ReadAhead > 0 {
		why = ""
	} else if q.ReadAhead > 0 {
		r.note(p.key("read_ahead"), "choose that policy, or remove it", "has no effect with policy %s: only least_cost asks for it", u.Policy)
	}
	if why == "" {
		if q.MaxRequests > 0 {
			return true
		}
		why, remedy = "with max_requests 0 no request waits", "raise max_requests, or remove it"
	} else if q.MaxRequests != usual.MaxRequests {
		r.note(p.key("max_requests"), remedy, "has no effect: %s", why)
	}
	if q.Keepalive != usual.Keepalive {
		r.note(p.key("keepalive"), remedy, "has no effect: %s", why)
	}
	if q.Order != usual.Order {
		r.note(p.key("order"), remedy, "has no effect: %s", why)
	}
	if q.MaxWait != usual.MaxWait {
		r.note(p.key("max_wait"), remedy, "has no effect: %s", why)
	}
	if q.HoldBack != usual.HoldBack {
		r.note(p.key("hold_back"), remedy, "has no effect: %s", why)
	}
	if q.Header {
		r.note(p.key("header"), remedy, "always says 0: %s", why)
	}
	return false
}

func (r *report) reviewPredict(p path, c *Config, u *Upstream, queues bool) {
	measured := u.Policy == "optimal_split" && u.CapacityScale == 0
	for _, e := range u.Endpoints {
		measured = measured || e.Capacity.Auto || e.Slots.Auto
	}
	if d := u.Discovery; d != nil {
		measured = measured || d.Capacity.Auto || d.Slots.Auto
	}
	if u.Predict.File != "" && !measured && c.Log.Requests == "" && (!queues || u.Queue.Order == "fifo") {
		r.note(p.key("predict").key("file"), "choose queue.order shortest_first with slots, or remove it",
			"has no effect: nothing asks how much work a request will be")
	}
}

func (r *report) reviewEndpoints(p path, u *Upstream, slots map[string]said) {
	for i, e := range u.Endpoints {
		at := p.item(i)
		if least := slots[e.URL]; e.Slots.Value > least.slots && least.slots > 0 {
			r.note(at.key("slots"), "say the same in both", "has no effect: %s says %d of the same server, and the least counts", least.at, least.slots)
		}
		if e.TLS != nil && e.TLS.Insecure && e.TLS.CAFile != "" {
			r.note(at.key("tls").key("ca_file"), "remove insecure, or this", "has no effect: with insecure no certificate is verified")
		}
	}
}

func (r *report) reviewHealth(p path, h *Health) {
	usual := upstreamDefaults().Health
	if h.Path != "" {
		return
	}
	if !slices.Equal(h.Statuses, usual.Statuses) {
		r.note(p.key("statuses"), "give a path, or remove it", "has no effect: without a path a probe only connects")
	}
	if !slices.Equal(h.BusyStatuses, usual.BusyStatuses) {
		r.note(p.key("busy_statuses"), "give a path, or remove it", "has no effect: without a path a probe only connects")
	}
}

func (r *report) reviewTimeouts(p path, u *Upstream) {
	t, usual := u.Timeouts, upstreamDefaults()
	if t.Total == 0 {
		return
	}
	for _, limit := range []struct {
		p            path
		value, usual time.Duration
	}{
		{p.key("queue").key("max_wait"), u.Queue.MaxWait, usual.Queue.MaxWait},
		{p.key("timeouts").key("connect"), t.Connect, usual.Timeouts.Connect},
		{p.key("timeouts").key("first_byte"), t.FirstByte, usual.Timeouts.FirstByte},
		{p.key("timeouts").key("idle"), t.Idle, usual.Timeouts.Idle},
	} {
		if limit.value != limit.usual && limit.value >= t.Total {
			r.note(limit.p, "lower it, or raise total", "has no effect: timeouts.total (%s) is over first", show(t.Total))
		}
	}
}
