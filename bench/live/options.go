// What a run is told.

package live

import (
	"fmt"
	"math"
	"runtime"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/peers"
)

// What the scenario is called.
const (
	Name  = "live"
	Title = "Real inference work through sockets, beside nginx and HAProxy"
)

// Options say what is run. What is left zero takes the default named beside it.
type Options struct {
	Programs map[string]peers.Program // by name: steelyard, and the peers that take part
	Folder   string                   // of the published traces; "": all work is made
	Only     []string                 // cases by name; all
	Policies []string                 // of steelyard; least_load and least_cost
	Slots    []int                    // of HAProxy's servers, in the mean over the engines; 16, 32 and 64
	Requests int                      // the most of each case; its own
	Speed    float64                  // of the engines' time over the clock's; as fast as the machine keeps up
	Seed     uint64                   // 1
	Runs     int                      // of each case; 1
	Cores    int                      // that the machine has for it; all

	Progress func(doing string, done float64, left time.Duration) // may be nil
}

func (o Options) withDefaults() Options {
	if len(o.Policies) == 0 {
		o.Policies = []string{against, rule}
	}
	if len(o.Slots) == 0 {
		o.Slots = []int{16, 32, 64}
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	o.Runs = max(o.Runs, 1)
	if o.Cores == 0 {
		o.Cores = runtime.NumCPU()
	}
	return o
}

// Check reports the first thing that cannot be meant.
func (o Options) Check() error {
	for _, name := range o.Only {
		if _, err := find(name); err != nil {
			return err
		}
	}
	for _, slots := range o.Slots {
		if slots < 1 {
			return fmt.Errorf("%d slots: give 1 or more", slots)
		}
	}
	switch {
	case o.Requests < 0 || o.Runs < 0:
		return fmt.Errorf("%d requests and %d runs: give 1 or more, or leave it out", o.Requests, o.Runs)
	case !(o.Speed >= 0) || o.Speed > 1000 || o.Speed != 0 && o.Speed < 0.01 || math.IsNaN(o.Speed):
		return fmt.Errorf("speed %g: give how many times as fast as the clock the engines' time runs, from 0.01 to 1000", o.Speed)
	}
	return nil
}

// cases are those that are wanted.
func (o Options) cases() (list []Case) {
	if len(o.Only) == 0 {
		return Cases
	}
	for _, name := range o.Only {
		c, err := find(name)
		if err != nil {
			panic("BUG: not checked: " + err.Error())
		}
		list = append(list, c)
	}
	return list
}
