// Validation of upstreams and their endpoints.

package configs

import (
	"math"
	"time"
)

// Capacities outside these would be lost to rounding in a sum with others.
const leastCapacity, mostCapacity = 1e-9, 1e15

func (r *report) validateUpstreams(upstreams []Upstream) {
	if len(upstreams) == 0 {
		r.missing("upstreams", `list at least one, such as {name: chat, endpoints: [{url: "http://127.0.0.1:9001"}]}`)
	}
	r.validateFallbacks(upstreams)
	named, learned := map[string]path{}, map[string]path{}
	for i := range upstreams {
		u, p := &upstreams[i], path("upstreams").item(i)
		r.validateName(p.key("name"), u.Name)
		r.unique(named, p.key("name"), u.Name, "upstream")
		r.oneOf(p.key("policy"), u.Policy, Policies...)
		r.oneOf(p.key("host"), u.Host, "pass", "endpoint")
		r.validateScale(p.key("capacity_scale"), u.CapacityScale)
		between(r, p.key("gateways"), u.Gateways, 1, mostGateways, "give the number of gateways that send to the endpoints, this one included")
		r.validateAffinity(p.key("affinity"), &u.Affinity)
		if u.TimeScale != 0 {
			between(r, p.key("time_scale"), u.TimeScale, 0.01, 1000, "give how many times as fast as the clock the engines' time runs, or leave it out")
		}
		r.validateQueue(p.key("queue"), &u.Queue)
		r.validateWritten(p.key("predict").key("file"), u.Predict.File, false)
		r.ownFile(learned, p.key("predict").key("file"), u.Predict.File)
		r.validateEndpoints(p.key("endpoints"), u)
		if r.validateDiscovery(p.key("discovery"), u.Discovery); u.Discovery != nil {
			r.ownFile(learned, p.key("discovery").key("cache"), u.Discovery.Cache)
		}
		r.validateHealth(p.key("health"), &u.Health)
		r.validateSignals(p.key("signals"), &u.Signals)
		r.validateExporters(p.key("resources"), u.Resources)
		r.validateOutlier(p.key("outlier"), &u.Outlier)
		r.validateTiers(p, u)
		r.validateSlowStart(p.key("slow_start"), u.SlowStart)
		r.optional(p.key("timeouts").key("connect"), u.Timeouts.Connect)
		r.optional(p.key("timeouts").key("first_byte"), u.Timeouts.FirstByte)
		r.optional(p.key("timeouts").key("idle"), u.Timeouts.Idle)
		r.optional(p.key("timeouts").key("total"), u.Timeouts.Total)
		r.validateRetry(p.key("retry"), &u.Retry)
		r.validateHedge(p.key("hedge"), &u.Hedge)
		r.validateConnections(p.key("connections"), u.Connections)
		r.validateRecovery(p.key("recovery"), u.Recovery)
		r.validateScaling(p.key("scale"), u.Scale)
	}
}

// mostGateways is more than anybody has in front of one server.
const mostGateways = 1000

// leastKeepalive is the least time between two comments to a stream that waits: of thousands that wait each gets them.
const leastKeepalive = time.Second

// mostSlots is more than any inference server batches, and a queue's arithmetic stays exact with it.
const mostSlots = 1_000_000

func (r *report) validateQueue(p path, q *Queue) {
	r.oneOf(p.key("order"), q.Order, "fifo", "shortest_first")
	between(r, p.key("max_requests"), q.MaxRequests, 0, mostConnections, "give 0 to let none wait")
	r.optional(p.key("read_ahead"), q.ReadAhead)
	if q.Keepalive != 0 {
		between(r, p.key("keepalive"), q.Keepalive, leastKeepalive, mostDuration, "give 0s for none: nobody cuts a connection that is silent for less")
	}
	between(r, p.key("max_wait"), q.MaxWait, leastDuration, mostDuration, "give a limit, as a client does not wait for ever")
}

// validateScale accepts 0 as "not known".
func (r *report) validateScale(p path, scale float64) {
	const remedy = "give the requests/s that one unit of capacity sustains, or leave it out"
	switch {
	case scale == 0:
	case math.IsNaN(scale) || math.IsInf(scale, 0):
		r.add(p, remedy, "must be a finite number, is %s", show(scale))
	default:
		between(r, p, scale, leastCapacity, mostCapacity, remedy)
	}
}

func (r *report) validateConnections(p path, c Connections) {
	between(r, p.key("max_idle"), c.MaxIdle, 0, mostConnections, "give 0 to keep none")
	between(r, p.key("idle_timeout"), c.IdleTimeout, leastDuration, time.Hour, "stay below the endpoints' own keep-alive time-out")
	r.optional(p.key("max_age"), c.MaxAge)
}

// unique reports a name that another thing of the same kind has. Missing names are reported elsewhere.
func (r *report) unique(named map[string]path, p path, name, kind string) {
	if first, again := named[name]; again && name != "" {
		r.add(p, "rename one of them", "another %s is called %s, see %s", kind, quote(name), first)
		return
	}
	named[name] = p
}

// ownFile reports a file that another upstream writes to.
func (r *report) ownFile(written map[string]path, p path, name string) {
	if first, again := written[name]; again && name != "" {
		r.add(p, "give each upstream a file of its own", "%s is written to by another upstream as well, see %s", quote(name), first)
	}
	written[name] = p
}

func (r *report) validateEndpoints(p path, u *Upstream) {
	if len(u.Endpoints) == 0 && !u.finds() {
		r.missing(p, `list at least one, such as {url: "http://127.0.0.1:9001"}, or give discovery, or scale.actuator, which starts servers`)
	}
	named := map[string]path{}
	for i := range u.Endpoints {
		e, at := &u.Endpoints[i], p.item(i)
		parsed, wrong := parseURL(e.URL)
		switch {
		case e.URL == "":
			r.missing(at.key("url"), urlRemedy)
		case wrong != nil:
			r.add(at.key("url"), wrong.remedy, "%s", wrong.what)
		case e.TLS != nil && parsed.Scheme == "http":
			r.add(at.key("tls"), "write https in the url, or remove tls", "is given for %s, which is not encrypted", e.URL)
		}
		if wrong == nil || e.Name != "" { // an unnamed endpoint without a URL could not get a name
			r.validateName(at.key("name"), e.Name)
			r.unique(named, at.key("name"), e.Name, "endpoint of this upstream")
		}
		r.validateCapacity(at.key("capacity"), e.Capacity.Value)
		r.validatePrefixCache(at.key("prefix_cache"), e.PrefixCache)
		between(r, at.key("slots"), e.Slots.Value, 0, mostSlots, "give how many requests the server works on at once, 0 for no limit")
		r.validateExporters(at.key("resources"), e.Resources)
		if e.TLS != nil {
			r.validateClientTLS(at.key("tls"), e.TLS)
		}
	}
}

func (r *report) validateCapacity(p path, capacity float64) {
	const remedy = "give the endpoint's rate of work, in any unit shared by its upstream"
	switch {
	case math.IsNaN(capacity) || math.IsInf(capacity, 1):
		r.add(p, remedy, "must be a finite number, is %s", show(capacity))
	case capacity <= 0:
		r.add(p, remedy, "must be > 0, is %s", show(capacity))
	default:
		between(r, p, capacity, leastCapacity, mostCapacity, "choose a handier unit for all endpoints of the upstream")
	}
}

func (r *report) validateClientTLS(p path, t *ClientTLS) {
	if t.ServerName != "" && !validHost(t.ServerName) {
		r.add(p.key("server_name"), "give the name in the endpoint's certificate, without a port", "is not a host name: %s", quote(t.ServerName))
	}
	if t.CAFile != "" {
		r.validateRoots(p.key("ca_file"), t.CAFile)
	}
	if t.CertFile != "" || t.KeyFile != "" {
		r.validatePair(p, t.CertFile, t.KeyFile)
	}
}
