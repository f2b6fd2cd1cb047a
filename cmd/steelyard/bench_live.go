// steelyard bench run live: real inference work through sockets, beside nginx and HAProxy.

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/bench/lab"
	"github.com/steelyard-proxy/steelyard/bench/live"
	"github.com/steelyard-proxy/steelyard/bench/scenario"
)

// liveSettings are the flags of bench run live.
type liveSettings struct {
	benchSettings
	live.Options
}

func liveCommand() *cobra.Command {
	var s liveSettings
	c := &cobra.Command{
		Use:   live.Name,
		Short: "Measure real inference work through sockets: engines that batch, beside nginx and HAProxy",
		Long: `Offers inference work to nginx, HAProxy and steelyard, each before engines of its own that batch, fill their
memory and remember prompts, one after the other. Time runs faster than the clock, as fast as the machine keeps up with.
Beside what was measured stands the same in virtual time. It prints a table and leaves a result at --out, and ends
with 1 where a goal is missed.

Requests are made like those of published traces, or taken from the files themselves, with --traces FOLDER.

Cases, for --only: ` + strings.Join(live.Names(), ", "),
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return s.run(c) },
	}
	flags := c.Flags()
	flags.StringVar(&s.Folder, "traces", "", "`FOLDER` of the published traces (default: $"+tracesFolder+"; without it requests are made)")
	flags.StringSliceVar(&s.Only, "only", nil, "these `cases`, separated by commas (default: all)")
	flags.StringSliceVar(&s.Policies, "policy", nil, "steelyard by these policies (default least_load,least_cost)")
	flags.IntSliceVar(&s.Slots, "slots", nil, "HAProxy by these maxconn, in the mean over the engines (default 16,32,64)")
	flags.IntVar(&s.Requests, "requests", 0, "the most of each case (default: the case's)")
	within(c, "requests", "a whole number from 1 on")
	flags.IntVar(&s.Runs, "runs", 1, "of each case")
	within(c, "runs", "a whole number from 1 on")
	flags.Float64Var(&s.Speed, "speed", 0, "how many times as fast as the clock the engines' time runs (default: as fast as the machine keeps up)")
	within(c, "speed", "a number from 0.01 to 1000")
	flags.Uint64Var(&s.Seed, "seed", 1, "of the work that is made")
	flags.StringVar(&s.peers, "peers", "auto", "auto: those installed; none; or a list of nginx, haproxy")
	flags.StringVar(&s.out, "out", "bench-"+live.Name+".json", "`FILE` for the result")
	flags.BoolVar(&s.force, "force", false, "replace an older result")
	return c
}

// tracesFolder is the variable that names the folder of published traces where no flag does.
const tracesFolder = "STEELYARD_TRACES"

func (s *liveSettings) run(c *cobra.Command) error {
	if s.Folder == "" {
		s.Folder = os.Getenv(tracesFolder)
	}
	if err := s.prepare(c.Context(), c.Flags().Changed); err != nil {
		return &usageError{err.Error()}
	}
	takes, err := live.Takes(s.Options)
	if err != nil {
		return &usageError{err.Error()}
	}
	out := c.OutOrStdout()
	bar := newBar(out)
	s.Progress = func(doing string, done float64, left time.Duration) {
		bar.show(lab.Progress{Doing: doing, Done: done, Left: left})
	}
	fmt.Fprintf(out, "%s: %s\nThis takes %s.\n", live.Name, live.Title, minutes(takes))
	result, err := live.Run(c.Context(), s.Options)
	bar.clear()
	if err = stopped(c.Context(), err, allEnded); err != nil {
		return err
	}
	result.Command = append([]string{"steelyard"}, liveLine(c)...)
	fmt.Fprint(out, result.Table())
	if err := result.Write(s.out); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nWritten: %s\n", s.out)
	return goals(result.Missed())
}

// prepare finds the programs, and everything that is wrong before anything is started.
func (s *liveSettings) prepare(ctx context.Context, given func(flag string) bool) error {
	for _, name := range s.Policies {
		if err := scenario.CheckPolicy(name, policy.Names()); err != nil {
			return fmt.Errorf("--policy: %w", err)
		}
	}
	switch {
	case given("requests") && s.Options.Requests < 1:
		return fmt.Errorf("--requests %d: give 1 or more, or leave it out for the case's", s.Options.Requests)
	case given("runs") && s.Runs < 1:
		return fmt.Errorf("--runs %d: give 1 or more", s.Runs)
	case given("speed") && s.Speed == 0:
		return errors.New("--speed 0: give how many times as fast as the clock the engines' time runs, or leave it out")
	}
	if err := s.Options.Check(); err != nil {
		return err
	}
	if _, err := os.Stat(s.out); err == nil && !s.force {
		return fmt.Errorf("%s is there already: give another --out, or --force to replace it", s.out)
	}
	programs, notes, err := s.programs(ctx, &scenario.Scenario{})
	if err != nil {
		return err
	}
	s.Programs = programs
	for _, note := range notes {
		fmt.Fprintln(os.Stderr, note)
	}
	return nil
}

// liveLine is the command that repeats the run.
func liveLine(c *cobra.Command) []string {
	line := []string{"bench", "run", live.Name}
	for _, flag := range []string{"traces", "only", "policy", "slots", "requests", "runs", "speed", "seed", "peers"} {
		if f := c.Flags().Lookup(flag); f.Changed {
			line = append(line, "--"+flag+"="+strings.Trim(f.Value.String(), "[]"))
		}
	}
	return line
}
