// What a forecast is made for.

package forecast

import (
	"cmp"
	"time"
)

// The horizons of a series, by number.
const (
	Lead = iota // as long as it takes to get another server ready
	Hour
	Day
	horizons
)

const (
	defaultStep = 5 * time.Minute
	defaultLead = 10 * time.Minute
	// kept is how much of a series is remembered.
	kept = 5 * 7 * 24 * time.Hour
	// known is how long a series must be for anything but its last value to be foretold, and weeksKnown for the models
	// that go by the week.
	known, weeksKnown = 24 * time.Hour, 21 * 24 * time.Hour
)

// Options describes a series or the traffic of a gateway.
type Options struct {
	Step     time.Duration  // 5 minutes when 0; a day must be a whole number of steps
	Lead     time.Duration  // 10 minutes when 0; at least a step
	Location *time.Location // whose days and weeks are the seasons; nil: UTC
}

func (o Options) withDefaults() Options {
	o.Step, o.Lead = cmp.Or(o.Step, defaultStep), cmp.Or(o.Lead, defaultLead)
	if o.Location == nil {
		o.Location = time.UTC
	}
	return o
}

// steps are the horizons in steps, each at least one.
func (o Options) steps() (list [horizons]int) {
	for i, ahead := range [horizons]time.Duration{o.Lead, time.Hour, 24 * time.Hour} {
		list[i] = max(int((ahead+o.Step/2)/o.Step), 1)
	}
	return list
}

// perDay is how many steps a day of 24 hours has.
func (o Options) perDay() int { return max(int(24*time.Hour/o.Step), 1) }
