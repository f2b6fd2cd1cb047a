// Validation of probes.

package configs

import (
	"strings"
	"time"
)

const leastInterval = 10 * time.Millisecond

// validateHealth refuses, among others, a timeout longer than the interval: probes of one endpoint would overlap or come
// late, and the thresholds would no longer say how soon an endpoint is taken out.
func (r *report) validateHealth(p path, h *Health) {
	r.validateProbePath(p.key("path"), h.Path)
	intervalGood := between(r, p.key("interval"), h.Interval, leastInterval, time.Hour,
		"give the time from one probe of an endpoint to the next")
	timeoutGood := between(r, p.key("timeout"), h.Timeout, leastDuration, time.Hour,
		"give the time after which a probe has failed")
	if intervalGood && timeoutGood && h.Timeout > h.Interval {
		r.add(p.key("timeout"), "lower it or raise the interval", "must be at most the interval (%s), is %s", show(h.Interval), show(h.Timeout))
	}
	between(r, p.key("unhealthy_threshold"), h.UnhealthyThreshold, 1, 100, "give how many failures in a row take an endpoint out")
	between(r, p.key("healthy_threshold"), h.HealthyThreshold, 1, 100, "give how many successes in a row bring an endpoint back")
	r.optional(p.key("release_after"), h.ReleaseAfter)
	if len(h.Statuses) == 0 {
		r.add(p.key("statuses"), "list those of a healthy answer, such as [200-299]", "is empty: no endpoint could be healthy")
	}
	r.validateStatuses(p.key("statuses"), h.Statuses)
	r.validateStatuses(p.key("busy_statuses"), h.BusyStatuses)
}

func (r *report) validateStatuses(p path, ranges []StatusRange) {
	for i, s := range ranges {
		if s.From < 100 || s.To > 599 || s.From > s.To {
			r.add(p.item(i), "write it like 429 or 200-299", "must lie in 100-599, the smaller one first, is %s", s)
		}
	}
}

func (r *report) validateProbePath(p path, target string) {
	if target == "" {
		return
	}
	if target[0] != '/' {
		r.add(p, `begin it with "/"`, "is not a path: %s", quote(target))
	} else if strings.ContainsFunc(target, notInTarget) {
		r.add(p, "write odd characters as %XX", "has a character that cannot stand in a request: %s", quote(target))
	}
}

// notInTarget matches what may not appear in the target of a request line.
func notInTarget(c rune) bool { return c <= ' ' || c >= 0x7f || c == '#' }
