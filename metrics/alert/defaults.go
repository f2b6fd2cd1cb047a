// The rules that are there without a line of configuration.

package alert

import "time"

// DefaultObjective is that of the objective that every upstream has.
const DefaultObjective = 0.99

// NoEndpoint is the rule that an upstream has no endpoint left: where it fires, alerts of its endpoints
// say nothing new.
const NoEndpoint = "no-endpoint"

// Wait is how long the requests of an upstream may wait for a slot.
type Wait struct {
	Upstream string
	Most     time.Duration
}

// DefaultSLOs are the objectives that are there without configuration.
func DefaultSLOs() []SLO {
	return []SLO{{
		Name: "requests-fail", Objective: DefaultObjective, By: ByStatus, Period: 30 * 24 * time.Hour, MinBad: DefaultMinBad,
		Remedy: "see by which code: steelyard_failures_total, and the log's lines of those codes",
	}}
}

// DefaultRules are the rules that are there without configuration. None of them fires on a gateway that is idle
// or has few requests, all of which are well.
func DefaultRules(waits []Wait) []Rule {
	rules := append(append(fleetRules(), machineRules()...), queueRules(waits)...)
	return append(rules, ownRules()...)
}

// fleetRules are about upstreams and their endpoints.
func fleetRules() []Rule {
	return []Rule{
		{
			Name: NoEndpoint, Severity: Page, On: OnUpstream, Metric: "steelyard_upstream_unavailable", For: 30 * time.Second,
			Summary: "upstream {upstream} has no eligible endpoint: its requests are refused, or go to its fallback",
			Remedy:  "GET /api/v1/upstreams says why each endpoint is out: start the servers, or undrain one",
		},
		{
			Name: "endpoint-down", Severity: Ticket, On: OnEndpoint, Metric: "steelyard_endpoint_condition",
			Where: []Match{{Label: "condition", Values: []string{"probe_failed", "ejected"}}}, For: time.Minute, KeepFiring: 2 * time.Minute,
			Summary: "endpoint {endpoint} of upstream {upstream} is down: it fails its probes, or its requests do",
			Remedy:  "look at the server; GET /api/v1/upstreams/{upstream} has the reason",
		},
		{
			Name: "endpoint-unreachable", Severity: Ticket, On: OnEndpoint, Metric: "steelyard_endpoint_unreachable", For: time.Minute, KeepFiring: time.Minute,
			Summary: "endpoint {endpoint} of upstream {upstream} cannot be connected to",
			Remedy:  "see whether the server runs, and the network on the way to it",
		},
		{
			Name: "answers-cut-short", Severity: Ticket, On: OnEndpoint, Metric: "steelyard_truncated_answers_total", Fn: Delta, Over: 10 * time.Minute, Limit: 5, Clear: 0,
			Summary: "endpoint {endpoint} of upstream {upstream} has cut {value} answers short within 10 minutes",
			Remedy:  "see whether its engine restarts, runs out of memory, or has a time-out of its own",
		},
	}
}

// machineRules are about the machines of endpoints, where somebody tells of them. They tell people, and move nothing.
func machineRules() []Rule {
	used := func(name, resource string, limit, clear float64, over time.Duration, summary, remedy string) Rule {
		return Rule{
			Name: name, Severity: Ticket, On: OnEndpoint, Metric: "steelyard_endpoint_resource_ratio", Where: []Match{{Label: "resource", Values: []string{resource}}},
			Limit: limit, Clear: clear, For: over, Summary: summary, Remedy: remedy,
		}
	}
	return []Rule{
		used("memory-low", "memory", 0.95, 0.9, 5*time.Minute,
			"the machine of endpoint {endpoint} of upstream {upstream} has {value} of its memory in use", "see what else runs there, before the kernel kills the engine"),
		used("disk-full", "disk", 0.9, 0.85, 5*time.Minute,
			"a disk of the machine of endpoint {endpoint} of upstream {upstream} is {value} full", "GET /api/v1/upstreams/{upstream} names its mount point; caches of models and logs fill disks up"),
		{
			Name: "disk-read-only", Severity: Ticket, On: OnEndpoint, Metric: "steelyard_endpoint_disk_read_only",
			Summary: "a disk of the machine of endpoint {endpoint} of upstream {upstream} can no longer be written to", Remedy: "see the machine's kernel log: disks that fail are made so",
		},
		{
			Name: "out-of-memory", Severity: Ticket, On: OnEndpoint, Metric: "steelyard_endpoint_oom_kills_total", Fn: Delta, Over: 10 * time.Minute, Clear: 0,
			Summary: "the kernel of the machine of endpoint {endpoint} of upstream {upstream} has killed {value} processes within 10 minutes for want of memory",
			Remedy:  "see in its log which; the engine may need a smaller cache, or the machine more memory",
		},
		{
			Name: "gpu-error", Severity: Ticket, On: OnEndpoint, Metric: "steelyard_endpoint_gpu_xid_error",
			Summary: "the driver of a GPU of endpoint {endpoint} of upstream {upstream} tells of error XID {value}",
			Remedy:  "look the number up in NVIDIA's list of XID errors; many need the endpoint drained and the GPU reset. The exporter shows the last one until it starts again",
		},
	}
}

// queueRules are about requests that wait for a slot.
func queueRules(waits []Wait) []Rule {
	rules := []Rule{{
		Name: "queue-refuses", Severity: Ticket, On: OnUpstream, Metric: "steelyard_queue_refused_total", Fn: Delta, Over: 5 * time.Minute, Limit: 10, Clear: 0,
		Summary: "upstream {upstream} has refused {value} requests within 5 minutes for want of a slot",
		Remedy:  "add an endpoint, or raise slots where the servers have room for more at once",
	}}
	slow := Rule{
		Name: "queue-slow", Severity: Ticket, On: OnUpstream, Metric: "steelyard_queue_wait_time_seconds", Fn: Quantile, Quantile: 0.95, Over: 5 * time.Minute,
		For: time.Minute, MinEvents: 20, LimitOf: map[string]float64{},
		NoData:  CountsOK, // nobody waits any more
		Summary: "one in twenty requests to upstream {upstream} waits {value} s and more for a slot, over half of what queue.max_wait allows ({limit} s)",
		Remedy:  "add an endpoint, or raise slots where the servers have room for more at once",
	}
	for _, w := range waits {
		half := w.Most.Seconds() / 2
		slow.LimitOf[w.Upstream], slow.Limit, slow.Clear = half, max(slow.Limit, half), max(slow.Limit, half)
	}
	if len(waits) > 0 {
		rules = append(rules, slow)
	}
	return rules
}

// ownRules are about the gateway itself.
func ownRules() []Rule {
	grown := func(name, severity, metric string, over time.Duration, limit float64, summary, remedy string) Rule {
		return Rule{Name: name, Severity: severity, Metric: metric, Fn: Delta, Over: over, Limit: limit, Clear: 0, Summary: summary, Remedy: remedy}
	}
	return []Rule{
		grown("accept-failures", Page, "steelyard_accept_failures_total", 5*time.Minute, 10,
			"{value} connections could not be accepted within 5 minutes", "raise the limit of open files (LimitNOFILE), or limits.connections to fit it"),
		grown("panics", Ticket, "steelyard_panics_total", 10*time.Minute, 0,
			"{value} requests were lost to a fault of steelyard within 10 minutes", "report it with the log's line, which has the stack"),
		{
			Name: "reload-failed", Severity: Ticket, Metric: "steelyard_config_last_reload_successful", Below: true, Limit: 1, Clear: 1, For: time.Minute,
			Summary: "the configuration could not be reloaded: the old one stays in effect", Remedy: "steelyard check FILE says what is wrong",
		},
		grown("log-lines-dropped", Ticket, "steelyard_log_lines_dropped_total", 10*time.Minute, 0,
			"{value} lines of the log were dropped within 10 minutes", "see who reads standard error, and how fast"),
		grown("access-log-dropped", Ticket, "steelyard_access_log_lines_dropped_total", 10*time.Minute, 0,
			"{value} lines of the access log were dropped within 10 minutes", "see who reads standard error, and how fast"),
		grown("request-log-dropped", Ticket, "steelyard_request_log_rows_dropped_total", 10*time.Minute, 0,
			"{value} rows of the request log were dropped within 10 minutes", "see whether the disk of log.requests is full or slow"),
		grown("usage-dropped", Ticket, "steelyard_usage_rows_dropped_total", 10*time.Minute, 0,
			"{value} requests are missing in what is kept of use, within 10 minutes", "the machine is short of processor time: usage.enabled: false saves some"),
		{
			Name: "notifications-failing", Severity: Ticket, Metric: "steelyard_notify_failing", For: 5 * time.Minute,
			Summary: "{value} receivers of alerts do not take what they are told", Remedy: "GET /api/v1/alerts has the last answer of each receiver",
		},
		{
			Name: "webhooks-failing", Severity: Ticket, Metric: "steelyard_webhook_messages_total", Fn: Delta, Over: time.Hour,
			Where:   []Match{{Label: "result", Values: []string{"refused", "outdated", "dropped"}}},
			Summary: "{value} messages to webhooks were lost within an hour", Remedy: "see the event webhook_failing, which has the receiver's answer",
		},
	}
}

// Override returns the rules with those of the same name replaced by others, which come last where their name is new.
func Override(rules, others []Rule) []Rule {
	for _, o := range others {
		replaced := false
		for i := range rules {
			if rules[i].Name == o.Name {
				rules[i], replaced = o, true
			}
		}
		if !replaced {
			rules = append(rules, o)
		}
	}
	return rules
}
