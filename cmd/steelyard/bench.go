// steelyard bench: its flags, and a run from check to report.

package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/bench/chaos"
	"github.com/steelyard-proxy/steelyard/bench/elastic"
	"github.com/steelyard-proxy/steelyard/bench/faults"
	"github.com/steelyard-proxy/steelyard/bench/foresight"
	"github.com/steelyard-proxy/steelyard/bench/lab"
	"github.com/steelyard-proxy/steelyard/bench/live"
	"github.com/steelyard-proxy/steelyard/bench/peers"
	"github.com/steelyard-proxy/steelyard/bench/real"
	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/bench/scenario"
)

func benchCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure response times beside nginx, HAProxy and theory, on this machine",
		Args:  isCommand,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(benchListCommand(), benchRunCommand(), soakCommand(), benchServerCommand())
	return c
}

// otherBenches are what can be run besides scenarios, each with a command of its own.
var otherBenches = []string{chaos.Name, live.Name, real.Name, faults.Name, foresight.Name, elastic.Name}

func benchListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the scenarios",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			t := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, name := range scenario.Names() {
				s, err := scenario.Load(name, policy.Names())
				if err != nil {
					return err
				}
				how := "simulated"
				if takes := lab.New(lab.Options{Scenario: s, Programs: everything}).Takes(); takes > 0 {
					how = "measured, " + minutes(takes)
				}
				fmt.Fprintf(t, "%s\t%s\t%s\n", name, how, s.Title)
			}
			fmt.Fprintf(t, "%s\t%s\t%s\n", chaos.Name, "measured, "+minutes(chaos.Takes(chaos.Options{Contenders: make([]chaos.Contender, 3)})), chaos.Title)
			if takes, err := live.Takes(live.Options{Programs: everything}); err == nil {
				fmt.Fprintf(t, "%s\t%s\t%s\n", live.Name, "measured, "+minutes(takes), live.Title)
			}
			fmt.Fprintf(t, "%s\t%s\t%s\n", real.Name, "simulated", real.Title)
			fmt.Fprintf(t, "%s\t%s\t%s\n", faults.Name, "simulated", faults.Title)
			fmt.Fprintf(t, "%s\t%s\t%s\n", foresight.Name, "simulated", foresight.Title)
			fmt.Fprintf(t, "%s\t%s\t%s\n", elastic.Name, "simulated", elastic.Title)
			return t.Flush()
		},
	}
}

// everything stands for a machine with all peers, to estimate the time of a run.
var everything = map[string]peers.Program{peers.Steelyard: {}, peers.Nginx: {}, peers.HAProxy: {}}

// benchSettings are the flags of bench run.
type benchSettings struct {
	out, peers string
	trace      string
	policies   []string
	seed       uint64
	seeds      int
	requests   int
	rate       float64
	force      bool
	inTurn     bool
	simulate   bool
}

func benchRunCommand() *cobra.Command {
	var s benchSettings
	c := &cobra.Command{
		Use:   "run NAME|FILE.yaml",
		Short: "Run a scenario: a table, result.json and report.html",
		Long: `Runs a scenario, one of "steelyard bench list" or a file of your own, and leaves
result.json and report.html in the folder given by --out.

Load is sent to loopback only. nginx and HAProxy take part where they are installed.`,
		Args: func(_ *cobra.Command, args []string) error {
			switch len(args) {
			case 0:
				return badInput("bench run: name one scenario: %s", strings.Join(append(scenario.Names(), otherBenches...), ", "))
			case 1:
				return nil
			}
			return badInput("bench run: unexpected argument %q: name one scenario, and give the rest by flags", shorten(args[1]))
		},
		RunE: func(c *cobra.Command, args []string) error { return s.run(c, args[0]) },
	}
	flags := c.Flags()
	flags.StringVar(&s.out, "out", "", "folder for the results (default: bench-NAME)")
	flags.StringSliceVar(&s.policies, "policy", nil, "of our contenders, only those with these policies")
	flags.Uint64Var(&s.seed, "seed", 1, "of the first trace")
	flags.IntVar(&s.seeds, "seeds", 0, "traces of each kind of work (default: the scenario's)")
	flags.IntVar(&s.requests, "requests", 0, "requests of each trace (default: the scenario's)")
	flags.Float64Var(&s.rate, "rate", 0, "T, requests per second (default: the scenario's)")
	within(c, "seeds", "a whole number from 1 on")
	within(c, "requests", "a whole number from 1 on")
	within(c, "rate", "a number > 0")
	flags.StringVar(&s.peers, "peers", "auto", "auto: those installed; none; or a list of nginx, haproxy")
	flags.StringVar(&s.trace, "trace", "", "a recorded trace (`FILE`: seconds,work, or as Mooncake, Azure and ServeGen publish them) in place of the scenario's kinds of work")
	flags.BoolVar(&s.force, "force", false, "replace older results")
	flags.BoolVar(&s.inTurn, "in-turn", false, "measure one contender after the other instead of all at the same time")
	flags.BoolVar(&s.simulate, "simulate", false, "in virtual time only, without sockets and peers")
	c.AddCommand(chaosCommand(), liveCommand(), realCommand(), faultsCommand(), forecastCommand(), elasticCommand())
	return c
}

// run finds everything that is wrong before it starts anything.
func (s *benchSettings) run(c *cobra.Command, name string) error {
	if err := s.check(c.Flags().Changed); err != nil {
		return &usageError{err.Error()}
	}
	what, err := s.scenario(name)
	if err != nil {
		return &usageError{err.Error()}
	}
	if s.out == "" {
		s.out = "bench-" + what.Name
	}
	if err := report.MayWrite(s.out, s.force); err != nil {
		return &usageError{err.Error()}
	}
	programs, notes, err := s.programs(c.Context(), what)
	if err != nil {
		return &usageError{err.Error()}
	}
	out := c.OutOrStdout()
	bar := newBar(out)
	l := lab.New(lab.Options{
		Scenario: what, Programs: programs, Seed: s.seed, InTurn: s.inTurn, Notes: notes, Progress: bar.show,
		Command: append([]string{"steelyard"}, commandLine(c, name)...),
	})
	if err := l.Check(); err != nil {
		return &usageError{err.Error()}
	}
	for _, note := range l.Notes() {
		fmt.Fprintln(out, note)
	}
	fmt.Fprintf(out, "%s: %s\n", what.Name, what.Title)
	if takes := l.Takes(); takes > 0 {
		fmt.Fprintf(out, "The measured part takes %s.\n", minutes(takes))
	}
	result, err := l.Run(c.Context())
	bar.clear()
	if err = stopped(c.Context(), err, allEnded); err != nil {
		return err
	}
	return deliver(out, s.out, s.force, result)
}

// commandLine is the command that repeats the run.
func commandLine(c *cobra.Command, name string) []string {
	line := []string{"bench", "run", name}
	for _, flag := range []string{"policy", "seed", "seeds", "requests", "rate", "trace", "peers", "in-turn", "simulate"} {
		if f := c.Flags().Lookup(flag); f.Changed {
			line = append(line, "--"+flag+"="+strings.Trim(f.Value.String(), "[]"))
		}
	}
	return line
}

func minutes(d time.Duration) string {
	if d < 2*time.Minute {
		return fmt.Sprintf("about %.0f s", math.Ceil(d.Seconds()))
	}
	return fmt.Sprintf("about %.0f min", math.Ceil(d.Minutes()))
}

// newBar shows progress on a terminal as a bar, elsewhere as a line now and then.
func newBar(out io.Writer) *bar {
	b := &bar{out: out}
	b.width, b.terminal = terminalWidth(out)
	return b
}
