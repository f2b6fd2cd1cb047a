// What is asked of a run.

package foresight

import (
	"cmp"
	"fmt"
	"time"
)

// Name and Title are those of the bench.
const (
	Name  = "forecast"
	Title = "Traffic foretold, held against what came"
)

// Options describe a run.
type Options struct {
	Seed     uint64 // the first
	Seeds    int    // of generated weeks; 5 when 0
	Folder   string // of the public series; "": only generated ones
	Command  []string
	Progress func(Step)
}

// Step is how far a run is.
type Step struct {
	Doing string
	Done  float64 // 0 to 1
	Left  time.Duration
}

func (o Options) withDefaults() Options {
	o.Seed, o.Seeds = cmp.Or(o.Seed, 1), cmp.Or(o.Seeds, 5)
	return o
}

// Check refuses what cannot be meant.
func (o Options) Check() error {
	if o.Seeds < 0 || o.Seeds > 1000 {
		return fmt.Errorf("--seeds %d: give 1 to 1000, or leave it out for 5", o.Seeds)
	}
	return nil
}
