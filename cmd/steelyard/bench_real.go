// steelyard bench run real: policies and others' rules on real inference work, simulated.

package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/bench/lab"
	"github.com/steelyard-proxy/steelyard/bench/real"
	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/bench/scenario"
)

// realSettings are the flags of bench run real.
type realSettings struct {
	real.Options
	out   string
	force bool
}

func realCommand() *cobra.Command {
	var s realSettings
	c := &cobra.Command{
		Use:   real.Name,
		Short: "Simulate real inference work: steelyard's policies, others' rules, and whether each goal is met",
		Long: `Serves inference work in virtual time, on fleets of engines that batch, fill their memory and remember prompts,
by steelyard's policies and by the rules of other systems. It leaves result.json and report.html in the folder given
by --out, and ends with 1 where a goal is missed.

Requests are generated like those of published traces. With the traces themselves (--traces, or the variable
` + tracesFolder + `) all of them are served, which takes longer, and the goals that are about them are judged as well.

For --only: ` + real.List(),
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return s.run(c) },
	}
	flags := c.Flags()
	flags.StringVar(&s.Folder, "traces", "", "`FOLDER` of the published traces (default: $"+tracesFolder+"; without it requests are generated)")
	flags.StringSliceVar(&s.Only, "only", nil, "these traces, fleets, or traces on fleets (default: all)")
	flags.StringSliceVar(&s.Policies, "policy", nil, "of our policies only these, and no others' rules")
	flags.Float64SliceVar(&s.Loads, "loads", nil, "the loads, each between 0 and 1 (default .5,.7,.85)")
	flags.Uint64Var(&s.Seed, "seed", 1, "the first")
	flags.IntVar(&s.Seeds, "seeds", 0, "how many (default 5)")
	flags.IntVar(&s.Requests, "requests", 0, "of each trace (default: so many that all takes about a minute; of a published trace all)")
	flags.BoolVar(&s.Plain, "plain", false, "without what gateways must bear: wrong capacities, a second gateway, engines that slow down, restart and join")
	flags.StringVar(&s.out, "out", "bench-"+real.Name, "folder for the results")
	flags.BoolVar(&s.force, "force", false, "replace older results")
	return c
}

func (s *realSettings) run(c *cobra.Command) error {
	if s.Folder == "" {
		s.Folder = os.Getenv(tracesFolder)
	}
	if err := s.check(c.Flags().Changed); err != nil {
		return &usageError{err.Error()}
	}
	if err := report.MayWrite(s.out, s.force); err != nil {
		return &usageError{err.Error()}
	}
	out := c.OutOrStdout()
	bar := newBar(out)
	s.Command = append([]string{"steelyard"}, realLine(c)...)
	s.Progress = func(p real.Step) { bar.show(lab.Progress(p)) }
	fmt.Fprintf(out, "%s: %s\n", real.Name, real.Title)
	result, err := real.Run(c.Context(), s.Options)
	bar.clear()
	if err = stopped(c.Context(), err, ""); err != nil {
		return err
	}
	if err := deliver(out, s.out, s.force, result); err != nil {
		return err
	}
	return goals(real.Missed(result))
}

// check refuses what cannot be meant.
func (s *realSettings) check(given func(flag string) bool) error {
	switch {
	case given("seeds") && s.Seeds < 1:
		return fmt.Errorf("--seeds %d: give 1 or more, or leave it out for 5", s.Seeds)
	case given("requests") && s.Requests < 1:
		return fmt.Errorf("--requests %d: give 1 or more of each trace, or leave it out", s.Requests)
	}
	for _, name := range s.Policies {
		if err := scenario.CheckPolicy(name, policy.Names()); err != nil {
			return fmt.Errorf("--policy: %w", err)
		}
	}
	return s.Check()
}

// realLine is the command that repeats the run.
func realLine(c *cobra.Command) []string {
	line := []string{"bench", "run", real.Name}
	for _, flag := range []string{"traces", "only", "policy", "loads", "seed", "seeds", "requests", "plain"} {
		if f := c.Flags().Lookup(flag); f.Changed {
			line = append(line, "--"+flag+"="+strings.Trim(f.Value.String(), "[]"))
		}
	}
	return line
}
