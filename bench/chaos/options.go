// What a run is told.

package chaos

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/peers"
	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/configs"
)

// Options say what is run, and whom on. What is left zero takes the default named beside it.
type Options struct {
	Contenders []Contender
	Only       []string // names of faults; empty: all
	Seed       uint64   // of the loads
	Rate       float64  // requests per second; default 300
	Times      Times    // default: each fault's own
	InTurn     bool     // contenders are asked one after the other, not as many at the same time as the machine carries
	Server     []string // the command that runs Serve, with the flags that Flags makes behind it

	Command  []string         // for the report
	Notes    []string         // what was found out before
	Progress func(doing Step) // may be nil
}

// Times are how long the parts of a trial last.
type Times struct {
	Before, During, After time.Duration
}

// Step is how far a run is.
type Step struct {
	Doing string
	Done  float64 // of all, 0 to 1
	Left  time.Duration
}

// Contender is a program that is put through the faults.
type Contender struct {
	Name    string
	Program peers.Program
	Policy  string // of steelyard; "": its default
	Beside  bool   // it is there to compare with, like an older steelyard: its misses are nobody's
}

func (c Contender) kind() string {
	if c.Program.Name != peers.Steelyard || c.Beside {
		return report.Peer
	}
	return report.Ours
}

// rate of most faults.
const defaultRate = 300

// Check refuses what cannot be run.
func (o Options) Check() error {
	for _, name := range o.Only {
		if !slices.Contains(Names(), name) {
			return fmt.Errorf("there is no fault %q: %s", name, configs.Suggest(name, Names()))
		}
	}
	if o.Times.Before < 0 || o.Times.During < 0 || o.Times.After < 0 {
		return fmt.Errorf("times %v, %v and %v: none can be negative", o.Times.Before, o.Times.During, o.Times.After)
	}
	return nil
}

// wanted are the faults that are run.
func (o Options) wanted() (list []*fault) {
	for _, f := range faults() {
		if len(o.Only) == 0 || slices.Contains(o.Only, f.name) {
			list = append(list, f)
		}
	}
	return list
}

// times of a fault.
func (o Options) times(f *fault) Times {
	t := f.times
	for _, part := range []struct{ given, to *time.Duration }{
		{&o.Times.Before, &t.Before}, {&o.Times.During, &t.During}, {&o.Times.After, &t.After},
	} {
		if *part.given > 0 {
			*part.to = *part.given
		}
	}
	return t
}

func (t Times) whole() time.Duration { return t.Before + t.During + t.After }

// List is every fault with what is done, for people.
func List() string {
	var b strings.Builder
	for _, f := range faults() {
		fmt.Fprintf(&b, "  %-14s %s\n", f.name, f.what)
	}
	return b.String()
}

// Names are those of the faults, in the order in which they are run.
func Names() (list []string) {
	for _, f := range faults() {
		list = append(list, f.name)
	}
	return list
}
