// What a decision was made of, for people and programs.

package autoscale

import "math"

// inputs are the figures by name, those that are known.
func (c *Controller) inputs(v *view, needs []need) map[string]float64 {
	s := v.s
	all := map[string]float64{
		"serving": v.worth, "present": v.present, "arriving": v.arriving, "arriving_now": v.burst, "busy": v.busy, "work_waiting_s": v.waiting,
		"requests_waiting": float64(s.WaitingRequests), "oldest_wait_s": s.OldestWait.Seconds(), "in_flight": float64(s.InFlight), "slots": float64(s.Slots),
		"start_s": v.lead.Seconds(), "needed_most": c.needed.top(v.at, c.inFor(v.at)), "scale_in_after_s": c.inFor(v.at).Seconds(),
		"foretold": v.foretold, "age_s": s.Age.Seconds(),
	}
	if v.worth > 0 {
		all["utilization"] = v.busy / v.worth
		if math.IsNaN(v.busy) {
			all["utilization"] = v.arriving / v.worth
		}
	}
	for _, n := range needs {
		all[n.key] = n.servers
	}
	if c.settings.Predict == PredictShow {
		for _, n := range c.foreseen(v) {
			all[n.key] = n.servers
		}
	}
	for i := range c.thresholds {
		t := &c.thresholds[i]
		all["resource_"+t.Metric] = t.value
	}
	for name, value := range all {
		if math.IsNaN(value) || math.IsInf(value, 0) {
			delete(all, name)
		}
	}
	return all
}
