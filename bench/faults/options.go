// What is asked of a run.

package faults

import (
	"cmp"
	"fmt"
	"time"
)

// Name and Title are those of the bench.
const (
	Name  = "faults"
	Title = "Faults with known truth: found how soon, named how often, and alarms for nothing"
)

// Options describe a run.
type Options struct {
	Seed    uint64 // the first
	Seeds   int    // 20 when 0
	Weeks   int    // clean ones before the faults; 2 when 0
	Only    string // "trials" or "weeks"; "": both
	Command []string
	// Progress is called now and then, from any goroutine.
	Progress func(Step)
}

// Step is how far a run is.
type Step struct {
	Doing string
	Done  float64 // 0 to 1
	Left  time.Duration
}

func (o Options) withDefaults() Options {
	o.Seed, o.Seeds, o.Weeks = cmp.Or(o.Seed, 1), cmp.Or(o.Seeds, 20), cmp.Or(o.Weeks, 2)
	return o
}

// Check refuses what cannot be meant.
func (o Options) Check() error {
	switch {
	case o.Only != "" && o.Only != "trials" && o.Only != "weeks":
		return fmt.Errorf("--only %q: give trials or weeks, or leave it out for both", o.Only)
	case o.Seeds < 0 || o.Seeds > 1000:
		return fmt.Errorf("--seeds %d: give 1 to 1000, or leave it out for 20", o.Seeds)
	case o.Weeks < 0 || o.Weeks > 52:
		return fmt.Errorf("--weeks %d: give 1 to 52, or leave it out for 2", o.Weeks)
	}
	return nil
}
