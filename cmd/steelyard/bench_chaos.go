// steelyard bench run chaos: faults under load, and what clients lose by them.

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/bench/chaos"
	"github.com/steelyard-proxy/steelyard/bench/lab"
	"github.com/steelyard-proxy/steelyard/bench/peers"
	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/bench/scenario"
)

// chaosSettings are the flags of bench run chaos.
type chaosSettings struct {
	benchSettings
	only   []string
	times  chaos.Times
	before string
}

func chaosCommand() *cobra.Command {
	var s chaosSettings
	c := &cobra.Command{
		Use:   chaos.Name,
		Short: "Break servers under load: what clients lose, what servers see, and whether each goal is met",
		Long: `Puts steelyard through faults of its servers, under a load that does not wait, beside nginx and HAProxy
where they are installed. It leaves result.json and report.html in the folder given by --out, and ends with 1
where steelyard missed a goal.

The faults, for --only:
` + chaos.List(),
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return s.run(c) },
	}
	flags := c.Flags()
	flags.StringSliceVar(&s.only, "only", nil, "these `faults`, separated by commas (default: all)")
	flags.StringSliceVar(&s.policies, "policy", nil, "steelyard by these policies, or by all (default: its own default)")
	flags.Uint64Var(&s.seed, "seed", 1, "of the load and of what is random in faults")
	flags.Float64Var(&s.rate, "rate", 0, "requests per second (default 300)")
	within(c, "rate", "a number > 0")
	flags.DurationVar(&s.times.Before, "before-fault", 0, "how long the load goes on before the fault (default: each fault's own)")
	flags.DurationVar(&s.times.During, "fault", 0, "how long the fault lasts")
	flags.DurationVar(&s.times.After, "after-fault", 0, "how long the load goes on after it")
	flags.StringVar(&s.before, "before", "", "`FILE` of an older steelyard, shown beside it")
	flags.StringVar(&s.peers, "peers", "auto", "auto: those installed; none; or a list of nginx, haproxy")
	flags.BoolVar(&s.inTurn, "in-turn", false, "one contender after the other instead of several at the same time")
	flags.StringVar(&s.out, "out", "bench-"+chaos.Name, "folder for the results")
	flags.BoolVar(&s.force, "force", false, "replace older results")
	return c
}

func (s *chaosSettings) run(c *cobra.Command) error {
	if err := s.check(c.Flags().Changed); err != nil {
		return &usageError{err.Error()}
	}
	if err := report.MayWrite(s.out, s.force); err != nil {
		return &usageError{err.Error()}
	}
	o, err := s.options(c.Context())
	if err == nil {
		err = o.Check()
	}
	if err != nil {
		return &usageError{err.Error()}
	}
	out := c.OutOrStdout()
	bar := newBar(out)
	o.Command = append([]string{"steelyard"}, chaosLine(c)...)
	o.Progress = func(p chaos.Step) { bar.show(lab.Progress(p)) }
	for _, note := range o.Notes {
		fmt.Fprintln(out, note)
	}
	fmt.Fprintf(out, "%s: %s\nThis takes %s.\n", chaos.Name, chaos.Title, minutes(chaos.Takes(o)))
	result, err := chaos.Run(c.Context(), o)
	bar.clear()
	if err = stopped(c.Context(), err, allEnded); err != nil {
		return err
	}
	if err := deliver(out, s.out, s.force, result); err != nil {
		return err
	}
	return goals(chaos.Missed(result))
}

// options finds the programs that take part.
func (s *chaosSettings) options(ctx context.Context) (chaos.Options, error) {
	o := chaos.Options{Only: s.only, Seed: s.seed, Rate: s.rate, Times: s.times, InTurn: s.inTurn}
	programs, notes, err := s.programs(ctx, &scenario.Scenario{})
	if err != nil {
		return o, err
	}
	o.Notes = notes
	self, err := os.Executable()
	if err != nil {
		return o, fmt.Errorf("find this program: %w", err)
	}
	o.Server = []string{self, "bench", serverName}
	if o.Contenders, err = s.ours(programs[peers.Steelyard]); err != nil {
		return o, err
	}
	if s.before != "" {
		path, err := filepath.Abs(s.before)
		if err != nil {
			return o, fmt.Errorf("--before: %w", err)
		}
		older, err := peers.Ours(ctx, path)
		if err != nil {
			return o, fmt.Errorf("--before: %w", err)
		}
		o.Contenders = append(o.Contenders, chaos.Contender{Name: "steelyard before", Program: older, Beside: true})
	}
	for _, name := range peers.Installable {
		if p, ok := programs[name]; ok {
			o.Contenders = append(o.Contenders, chaos.Contender{Name: name, Program: p})
		}
	}
	return o, nil
}

// ours is steelyard by its default, or by each of the policies asked for.
func (s *chaosSettings) ours(p peers.Program) (list []chaos.Contender, err error) {
	if len(s.policies) == 0 {
		return []chaos.Contender{{Name: peers.Steelyard, Program: p}}, nil
	}
	if len(s.policies) == 1 && s.policies[0] == "all" {
		s.policies = policy.Names()
	}
	for _, name := range s.policies {
		if err := scenario.CheckPolicy(name, policy.Names()); err != nil {
			return nil, fmt.Errorf("--policy: %w", err)
		}
		list = append(list, chaos.Contender{Name: name, Program: p, Policy: name})
	}
	return list, nil
}

// chaosLine is the command that repeats the run.
func chaosLine(c *cobra.Command) []string {
	line := []string{"bench", "run", chaos.Name}
	for _, flag := range []string{"only", "policy", "seed", "rate", "before-fault", "fault", "after-fault", "before", "peers", "in-turn"} {
		if f := c.Flags().Lookup(flag); f.Changed {
			line = append(line, "--"+flag+"="+strings.Trim(f.Value.String(), "[]"))
		}
	}
	return line
}
