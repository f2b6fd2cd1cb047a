// What a run is told.

package real

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/configs"
)

// What the scenario is called.
const (
	Name  = "real"
	Title = "Real inference work: engines that batch and remember, ours and others' rules"
	about = "Prompts and answers as people send them, on engines that read prompts and write answers in the same iterations, fill a KV cache and remember prefixes. " +
		"The rules of other systems are written anew from their sources; everything is simulated, with the policies' own code."
)

// Options say what is run. What is left zero takes the default named beside it.
type Options struct {
	Folder   string   // of the published traces; none: all are generated
	Only     []string // settings, by trace, by fleet or by both ("conv L4"); all
	Policies []string // of our contenders, those with these policies; all
	Loads    []float64
	Seed     uint64 // the first
	Seeds    int    // 5
	Requests int    // of each trace; defaultRequests, or all of a published one
	Plain    bool   // without variants

	Command  []string   // for the report
	Progress func(Step) // may be nil
}

// Step is how far a run is.
type Step struct {
	Doing string
	Done  float64 // of all, 0 to 1
	Left  time.Duration
}

// defaultRequests are so many that a whole run takes about a minute on two cores.
const (
	defaultRequests = 1500
	defaultSeeds    = 5
)

var defaultLoads = []float64{.5, .7, .85}

// usualLoad is the one at which all contenders take part. At the others only those with curves do.
const usualLoad = .7

func (o Options) withDefaults() Options {
	if len(o.Loads) == 0 {
		o.Loads = defaultLoads
	}
	if o.Seeds == 0 {
		o.Seeds = defaultSeeds
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	return o
}

// Check reports the first thing that cannot be meant.
func (o Options) Check() error {
	for _, only := range o.Only {
		if len(o.matching(only)) == 0 {
			return fmt.Errorf("there is no %q: %s", only, configs.Suggest(only, names()))
		}
	}
	for _, load := range o.Loads {
		if !(load > 0 && load < 1) || math.IsNaN(load) {
			return fmt.Errorf("load %g: must lie between 0 and 1", load)
		}
	}
	if o.Seeds < 0 || o.Requests < 0 {
		return fmt.Errorf("%d seeds of %d requests: give 1 or more of each, or none for the usual", o.Seeds, o.Requests)
	}
	for _, s := range o.settings() {
		if err := s.kind.check(); err != nil {
			return err
		}
	}
	return nil
}

// names are what Only may have.
func names() (list []string) {
	for _, s := range settings {
		for _, n := range []string{s.kind.name, s.fleet.name, s.name()} {
			if !slices.Contains(list, n) {
				list = append(list, n)
			}
		}
	}
	return list
}

// List names the settings, for people.
func List() string { return strings.Join(names(), ", ") }

func (o Options) matching(only string) (list []setting) {
	for _, s := range settings {
		if only == s.kind.name || only == s.fleet.name || only == s.name() {
			list = append(list, s)
		}
	}
	return list
}

// settings are those that are wanted, with their files where they are given.
func (o Options) settings() (list []setting) {
	for _, s := range settings {
		if len(o.Only) > 0 && !slices.ContainsFunc(o.Only, func(only string) bool {
			return slices.ContainsFunc(o.matching(only), func(m setting) bool { return m.name() == s.name() })
		}) {
			continue
		}
		if s.kind.file != "" {
			s.kind.folder = o.Folder
		}
		list = append(list, s)
	}
	return list
}

// requests is how many of a kind are asked; 0: all that there are.
func (o Options) requests(k kind) int {
	if o.Requests > 0 || k.folder != "" {
		return o.Requests
	}
	return cmp.Or(k.requests, defaultRequests)
}

// head is what is known before anything ran.
func (o Options) head() *report.Result {
	r := &report.Result{
		Schema: report.Schema, Scenario: Name, Title: Title, About: about, Command: o.Command, Started: time.Now(),
		Machine: report.ThisMachine(), Versions: map[string]string{}, Against: against,
	}
	for i := range o.Seeds {
		r.Seeds = append(r.Seeds, o.Seed+uint64(i))
	}
	for _, c := range o.contenders(usualLoad) {
		if c.shown {
			r.Shown = append(r.Shown, c.name)
		}
	}
	return r
}

// contenders are those who take part at a load.
func (o Options) contenders(load float64) (list []contender) {
	for _, c := range contenders() {
		wanted := c.name == against || len(o.Policies) == 0 || slices.Contains(o.Policies, c.uses)
		if wanted && (load == usualLoad || c.shown || c.judged) {
			list = append(list, c)
		}
	}
	return list
}
