// The section outlier: how endpoints are judged by their real traffic.

package configs

import (
	"math"
	"slices"
	"time"
)

// Outlier says when an endpoint is ejected for how its requests go, and for how long.
type Outlier struct {
	Enforce      bool          `yaml:"enforce"`       // false: no detector ejects, all say what they would have done
	Shadow       []string      `yaml:"shadow"`        // the detectors that only say so though Enforce is true
	Consecutive  int           `yaml:"consecutive"`   // failures in a row; 0: off
	FailureRatio float64       `yaml:"failure_ratio"` // of the attempts in Window, 0 to 1; 0: off
	Window       time.Duration `yaml:"window"`
	MinRequests  int           `yaml:"min_requests"` // in Window, for it to say anything
	SlowRatio    float64       `yaml:"slow_ratio"`   // of the time for its work to that of its peers, each by its own measure; 0: off
	Stall        time.Duration `yaml:"stall"`        // without a byte while requests wait, at least; 0: off
	EjectTime    time.Duration `yaml:"eject_time"`
	MaxEjectTime time.Duration `yaml:"max_eject_time"`
	// MaxEjectedRatio and PanicRatio are parts of the upstream's capacity.
	MaxEjectedRatio float64 `yaml:"max_ejected_ratio"` // that may be ejected at once
	PanicRatio      float64 `yaml:"panic_ratio"`       // the ejected are used where less would be left
}

// Detectors are the names that outlier.shadow may list.
var Detectors = []string{"consecutive", "ratio", "slow", "stall", "cluster"}

func outlierDefaults() Outlier {
	return Outlier{
		Enforce:      true,
		Shadow:       []string{"cluster"},
		Consecutive:  3,
		FailureRatio: 0.5,
		Window:       time.Minute, // so that a server with few, long requests has ten in it
		MinRequests:  10,
		SlowRatio:    3,
		Stall:        10 * time.Second,
		EjectTime:    10 * time.Second,
		MaxEjectTime: 5 * time.Minute,

		MaxEjectedRatio: 0.5,
		PanicRatio:      0.5,
	}
}

func (o *Outlier) resolve(p path, from places) {
	if !from.given(p.key("max_eject_time")) {
		o.MaxEjectTime = max(o.MaxEjectTime, o.EjectTime)
	}
}

const (
	mostWindow = 10 * time.Minute // a second of it takes some bytes for each endpoint
	mostInARow = 10_000
)

func (r *report) validateOutlier(p path, o *Outlier) {
	for i, name := range o.Shadow {
		r.oneOf(p.key("shadow").item(i), name, Detectors...)
		if slices.Index(o.Shadow, name) < i {
			r.add(p.key("shadow").item(i), "name it once", "is there twice: %s", quote(name))
		}
	}
	between(r, p.key("consecutive"), o.Consecutive, 0, mostInARow, "give how many failures in a row eject an endpoint, 0 for no number of them")
	r.validateEjectedRatios(p, o)
	r.validateRatio(p.key("failure_ratio"), o.FailureRatio, "give the part of requests whose failure ejects an endpoint, such as 0.5; 0 for none")
	between(r, p.key("window"), o.Window, time.Second, mostWindow, "give the time over which an endpoint is judged")
	between(r, p.key("min_requests"), o.MinRequests, 1, mostSlots, "give how many requests must have ended in the window")
	r.validateSlowRatio(p.key("slow_ratio"), o.SlowRatio)
	r.optional(p.key("stall"), o.Stall)
	if between(r, p.key("eject_time"), o.EjectTime, 100*time.Millisecond, mostDuration, "give for how long an endpoint is ejected the first time") &&
		between(r, p.key("max_eject_time"), o.MaxEjectTime, 100*time.Millisecond, mostDuration, "give for how long it is ejected at most") &&
		o.MaxEjectTime < o.EjectTime {
		r.add(p.key("max_eject_time"), "raise it or lower eject_time", "must be at least eject_time (%s), is %s", show(o.EjectTime), show(o.MaxEjectTime))
	}
}

func (r *report) validateEjectedRatios(p path, o *Outlier) {
	r.validateRatio(p.key("max_ejected_ratio"), o.MaxEjectedRatio, "give the part of the capacity that may be ejected at once, such as 0.5; 0 for none")
	r.validateRatio(p.key("panic_ratio"), o.PanicRatio, "give the part of the capacity that must be left for ejections to be obeyed, such as 0.5; 0 to obey them always")
}

// validateRatio accepts numbers from 0 to 1.
func (r *report) validateRatio(p path, ratio float64, remedy string) {
	if r.finite(p, ratio, remedy) {
		between(r, p, ratio, 0, 1, remedy)
	}
}

// validateSlowRatio accepts 0, and what a healthy server does not reach.
func (r *report) validateSlowRatio(p path, ratio float64) {
	const least, most = 1.5, 1000
	const remedy = "give how many times as long as its peers a server may take, such as 3; 0 for any"
	if ratio != 0 && r.finite(p, ratio, remedy) {
		between(r, p, ratio, least, most, remedy)
	}
}

func (r *report) finite(p path, number float64, remedy string) bool {
	if math.IsNaN(number) || math.IsInf(number, 0) {
		r.add(p, remedy, "must be a finite number, is %s", show(number))
		return false
	}
	return true
}
