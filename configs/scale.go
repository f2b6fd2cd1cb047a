// Scaling: how many servers an upstream has, and who starts and stops them.

package configs

import (
	"math"
	"strings"
	"time"
)

// Scale says how many servers an upstream may have, by what that is decided, and who starts and stops them.
type Scale struct {
	Min               int           `yaml:"min"`                // servers that the actuator runs
	Max               int           `yaml:"max"`                // likewise
	Capacity          float64       `yaml:"capacity"`           // of one new server, until that was learned
	Slots             int           `yaml:"slots"`              // of one new server; 0: no limit
	TargetUtilization float64       `yaml:"target_utilization"` // how busy a server shall be
	TargetWait        time.Duration `yaml:"target_wait"`        // how long a request may wait for a server
	TargetTokenTime   time.Duration `yaml:"target_token_time"`  // how long a token of a stream may take; 0: that is not looked at
	Interval          time.Duration `yaml:"interval"`           // from one decision to the next
	ScaleInAfter      time.Duration `yaml:"scale_in_after"`     // for so long fewer must suffice
	ZeroAfter         time.Duration `yaml:"zero_after"`         // for so long nothing must come before the last one goes; where Min is 0
	Hold              time.Duration `yaml:"hold"`               // how long a request waits for the first server
	StartTimeout      time.Duration `yaml:"start_timeout"`      // a start that takes longer has failed
	DrainTimeout      time.Duration `yaml:"drain_timeout"`      // how long what is in flight may take to end
	MaxStarting       int           `yaml:"max_starting"`       // servers at once; 0: as many as a step may have
	Predict           string        `yaml:"predict"`            // PredictOff, PredictShow or PredictFloor
	DryRun            bool          `yaml:"dry_run"`            // nothing is started or stopped, only told
	Thresholds        []Threshold   `yaml:"thresholds,omitempty"`
	Actuator          *Actuator     `yaml:"actuator"` // nil: somebody else scales, by what the gateway says
}

// Threshold says when a figure of the servers themselves asks for one more.
type Threshold struct {
	Metric string        `yaml:"metric"`
	Above  float64       `yaml:"above"`
	Clear  float64       `yaml:"clear"` // it no longer asks below this
	For    time.Duration `yaml:"for"`
	Do     string        `yaml:"do"` // scale or alert
}

// What becomes of a forecast.
const (
	PredictOff   = "off"
	PredictShow  = "show"
	PredictFloor = "floor"
)

// thresholdMetrics are the figures of servers that a threshold may go by.
var thresholdMetrics = []string{"cpu", "cpu_wait", "memory", "memory_wait", "disk", "disk_wait", "gpu", "gpu_memory", "kv_cache"}

func scaleDefaults() Scale {
	return Scale{
		Min: 1, Capacity: defaultCapacity, TargetUtilization: 0.7, TargetWait: 2 * time.Second, Interval: 5 * time.Second,
		ScaleInAfter: 5 * time.Minute, ZeroAfter: 15 * time.Minute, Hold: 5 * time.Minute,
		StartTimeout: 10 * time.Minute, DrainTimeout: 10 * time.Minute, Predict: PredictFloor, DryRun: true,
	}
}

func thresholdDefaults() Threshold {
	return Threshold{For: 2 * time.Minute, Do: "scale"}
}

// resolve fills in what depends on other keys.
func (s *Scale) resolve(p path, from places) {
	for i := range s.Thresholds {
		if t := &s.Thresholds[i]; !from.given(p.key("thresholds").item(i).key("clear")) {
			t.Clear = math.Round(t.Above*800) / 1000
		}
	}
	if s.Actuator != nil {
		s.Actuator.resolve(p.key("actuator"), from)
	}
}

// mostReplicas is more than anybody has of one model.
const mostReplicas = 10_000

func (r *report) validateScaling(p path, s *Scale) {
	if s == nil {
		return
	}
	between(r, p.key("min"), s.Min, 0, mostReplicas, "give how many servers there are at least, 0 to let all go while nothing comes")
	if !r.places.given(p.key("max")) {
		r.missing(p.key("max"), "give how many servers there may be at most, such as 8")
	} else if between(r, p.key("max"), s.Max, 1, mostReplicas, "give how many servers there may be at most") && s.Max < s.Min {
		r.add(p.key("max"), "lower min, or raise max", "is less than min: %d < %d", s.Max, s.Min)
	}
	r.validateCapacity(p.key("capacity"), s.Capacity)
	between(r, p.key("slots"), s.Slots, 0, mostSlots, "give how many requests a new server works on at once, 0 for no limit")
	r.validateRatioInside(p.key("target_utilization"), s.TargetUtilization, "give how busy a server shall be, such as 0.7: above that requests wait for each other")
	between(r, p.key("target_wait"), s.TargetWait, leastDuration, time.Hour, "give how long a request may wait for a server, such as 2s")
	if s.TargetTokenTime != 0 {
		between(r, p.key("target_token_time"), s.TargetTokenTime, leastDuration, time.Minute, "give how long a token may take, such as 50ms, or 0s where that does not matter")
	}
	between(r, p.key("interval"), s.Interval, time.Second, 5*time.Minute, "give the time from one decision to the next, such as 5s")
	between(r, p.key("scale_in_after"), s.ScaleInAfter, time.Second, mostDuration, "give for how long fewer servers must suffice before one is stopped, such as 5m")
	between(r, p.key("zero_after"), s.ZeroAfter, time.Second, mostDuration, "give for how long nothing must come before the last server is stopped, such as 15m")
	between(r, p.key("hold"), s.Hold, time.Second, mostDuration, "give how long a request waits for the first server to start, such as 5m")
	between(r, p.key("start_timeout"), s.StartTimeout, time.Second, mostDuration, "give the time after which a start has failed, such as 10m")
	between(r, p.key("drain_timeout"), s.DrainTimeout, time.Second, mostDuration, "give how long what is in flight may take to end before a server is stopped, such as 10m")
	between(r, p.key("max_starting"), s.MaxStarting, 0, mostReplicas, "give how many servers may start at once, 0 for no limit but that of a step")
	r.oneOf(p.key("predict"), s.Predict, PredictOff, PredictShow, PredictFloor)
	r.validateThresholds(p.key("thresholds"), s.Thresholds)
	if s.Actuator != nil {
		r.validateActuator(p.key("actuator"), s.Actuator, s.Max)
	}
}

// validateRatioInside reports what is not between 0 and 1, both excluded.
func (r *report) validateRatioInside(p path, ratio float64, remedy string) {
	if !(ratio > 0 && ratio < 1) {
		r.add(p, remedy, "must be above 0 and below 1, is %s", show(ratio))
	}
}

func (r *report) validateThresholds(p path, list []Threshold) {
	named := map[string]path{}
	for i := range list {
		t, at := &list[i], p.item(i)
		if t.Metric == "" {
			r.missing(at.key("metric"), "give a figure of the servers: "+strings.Join(thresholdMetrics, ", "))
		} else {
			r.oneOf(at.key("metric"), t.Metric, thresholdMetrics...)
			r.unique(named, at.key("metric"), t.Metric+" "+t.Do, "threshold with the same do")
		}
		if !r.places.given(at.key("above")) {
			r.missing(at.key("above"), "give a part of the whole, such as 0.8")
			continue
		}
		r.validateRatioInside(at.key("above"), t.Above, "give a part of the whole, such as 0.8")
		if math.IsNaN(t.Clear) || t.Clear < 0 || t.Clear > t.Above {
			r.add(at.key("clear"), "give a part of the whole that is no more than above", "must be from 0 to above (%s), is %s", show(t.Above), show(t.Clear))
		}
		between(r, at.key("for"), t.For, 0, mostDuration, "give for how long it must be above, such as 2m")
		r.oneOf(at.key("do"), t.Do, "scale", "alert")
	}
}

// ThresholdAlert is the name of the alert that a threshold of an upstream with do alert fires.
func ThresholdAlert(upstream, metric string) string {
	return upstream + "-" + strings.ReplaceAll(metric, "_", "-") + "-high"
}

// reviewScaling notes what has no effect.
func (r *report) reviewScaling(p path, u *Upstream) {
	s := u.Scale
	if s == nil {
		return
	}
	usual := scaleDefaults()
	if s.Min > 0 && s.ZeroAfter != usual.ZeroAfter {
		r.note(p.key("zero_after"), "give min 0, or remove it", "has no effect: with min %d the last server never goes", s.Min)
	}
	if s.Min == 0 && u.Queue.MaxRequests == 0 {
		r.note(p.key("min"), "raise queue.max_requests, or give min 1", "no request can wait for the first server, since there is no queue: each is refused until it runs")
	}
	if s.Actuator != nil {
		r.reviewActuator(p.key("actuator"), s.Actuator)
	}
	if a := s.Actuator; a != nil && u.Discovery == nil && (a.Kind == ActuateKubernetes || a.Kind == ActuateWebhook || a.Kind == ActuateCommand) {
		r.note(p.key("actuator"), "give discovery", "starts servers, but nobody says where they are, so that they get no requests")
	}
	if s.Slots == 0 && u.Discovery == nil {
		r.note(p.key("slots"), "give how many requests a new server works on at once", "is not given, so that nobody can tell how busy a server is, or how much work a request is")
	}
	if s.Actuator == nil && s.DryRun != usual.DryRun {
		r.note(p.key("dry_run"), "give an actuator, or remove it", "has no effect: nobody here starts or stops servers")
	}
	if s.Actuator != nil && s.DryRun {
		r.note(p.key("dry_run"), "watch what it would do, then write dry_run: false", "nothing is started or stopped, only told")
	}
}
