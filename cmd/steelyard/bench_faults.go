// steelyard bench run faults and run forecast: what is found and foretold, held to the truth.

package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/steelyard-proxy/steelyard/bench/faults"
	"github.com/steelyard-proxy/steelyard/bench/foresight"
	"github.com/steelyard-proxy/steelyard/bench/lab"
	"github.com/steelyard-proxy/steelyard/bench/report"
)

// judged is a bench whose result is tables and goals.
type judged struct {
	name, title string
	out         string
	force       bool
	check       func() error
	run         func(ctx context.Context, command []string, b *bar) (*report.Result, error)
	missed      func(*report.Result) []string
	flags       []string // that change the figures
}

func faultsCommand() *cobra.Command {
	var o faults.Options
	j := judged{name: faults.Name, title: faults.Title, missed: faults.Missed, flags: []string{"seed", "seeds", "weeks", "only"}, check: func() error { return o.Check() }}
	j.run = func(ctx context.Context, command []string, b *bar) (*report.Result, error) {
		o.Command, o.Progress = command, func(s faults.Step) { b.show(lab.Progress(s)) }
		return faults.Run(ctx, o)
	}
	c := j.command(`Shows generated requests with faults of known truth to the detector of the gateway and to three simple rules, in virtual
time: how soon each finds a server that is twice as slow, whether it names the right cause, and how many alarms it gives for
nothing. It leaves result.json and report.html in the folder given by --out, and ends with 1 where a goal is missed.`)
	c.Flags().Uint64Var(&o.Seed, "seed", 1, "the first")
	c.Flags().IntVar(&o.Seeds, "seeds", 0, "how many (default 20)")
	c.Flags().IntVar(&o.Weeks, "weeks", 0, "clean weeks of each seed before the faults (default 2)")
	c.Flags().StringVar(&o.Only, "only", "", "trials or weeks: a part of it (default: both)")
	within(c, "seeds", "a whole number from 1 on")
	within(c, "weeks", "a whole number from 1 on")
	return c
}

func forecastCommand() *cobra.Command {
	var o foresight.Options
	j := judged{name: foresight.Name, title: foresight.Title, missed: foresight.Missed, flags: []string{"traces", "seed", "seeds"}, check: func() error { return o.Check() }}
	j.run = func(ctx context.Context, command []string, b *bar) (*report.Result, error) {
		o.Command, o.Progress = command, func(s foresight.Step) { b.show(lab.Progress(s)) }
		if o.Folder == "" {
			o.Folder = os.Getenv(tracesFolder)
		}
		return foresight.Run(ctx, o)
	}
	c := j.command(`Foretells generated weeks of traffic, and public series where their folder is given by --traces or the variable
` + tracesFolder + `, step by step, and holds what was said against what came. It leaves result.json and report.html in the
folder given by --out, and ends with 1 where a goal is missed.`)
	c.Flags().StringVar(&o.Folder, "traces", "", "`FOLDER` of the public series (default: $"+tracesFolder+"; without it only generated weeks)")
	c.Flags().Uint64Var(&o.Seed, "seed", 1, "the first")
	c.Flags().IntVar(&o.Seeds, "seeds", 0, "how many of generated weeks (default 5)")
	within(c, "seeds", "a whole number from 1 on")
	return c
}

// command has the flags that all have.
func (j *judged) command(long string) *cobra.Command {
	c := &cobra.Command{
		Use: j.name, Short: j.title, Long: long, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return j.judge(c) },
	}
	c.Flags().StringVar(&j.out, "out", "bench-"+j.name, "folder for the results")
	c.Flags().BoolVar(&j.force, "force", false, "replace older results")
	return c
}

// judge runs it, prints the tables and writes the files.
func (j *judged) judge(c *cobra.Command) error {
	if err := j.check(); err != nil {
		return &usageError{err.Error()}
	}
	if err := report.MayWrite(j.out, j.force); err != nil {
		return &usageError{err.Error()}
	}
	out := c.OutOrStdout()
	b := newBar(out)
	fmt.Fprintf(out, "%s: %s\n", j.name, j.title)
	result, err := j.run(c.Context(), j.line(c), b)
	b.clear()
	if err = stopped(c.Context(), err, ""); err != nil {
		return err
	}
	if err := deliver(out, j.out, j.force, result); err != nil {
		return err
	}
	return goals(j.missed(result))
}

// line is the command that repeats the run.
func (j *judged) line(c *cobra.Command) []string {
	line := []string{"steelyard", "bench", "run", j.name}
	for _, flag := range j.flags {
		if f := c.Flags().Lookup(flag); f.Changed {
			line = append(line, "--"+flag+"="+f.Value.String())
		}
	}
	return line
}
