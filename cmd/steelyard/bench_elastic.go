// steelyard bench run elastic: rules that scale, held against each other.

package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/steelyard-proxy/steelyard/bench/elastic"
	"github.com/steelyard-proxy/steelyard/bench/lab"
	"github.com/steelyard-proxy/steelyard/bench/report"
)

func elasticCommand() *cobra.Command {
	var o elastic.Options
	folder := func() string {
		if o.Folder != "" || o.Live {
			return o.Folder
		}
		return os.Getenv(tracesFolder)
	}
	j := judged{name: elastic.Name, title: elastic.Title, missed: elastic.Missed, flags: []string{"traces", "only", "seed", "seeds", "days", "live"}}
	j.check = func() error {
		o.Folder = folder()
		return o.Check()
	}
	j.run = func(ctx context.Context, command []string, b *bar) (*report.Result, error) {
		o.Command, o.Progress = command, func(s elastic.Step) { b.show(lab.Progress(s)) }
		if !o.Live {
			return elastic.Run(ctx, o)
		}
		program, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find steelyard: %w", err)
		}
		o.Program = program
		return elastic.RunLive(ctx, o)
	}
	c := j.command(`Scales a fleet by the rules of steelyard, of Kubernetes' HPA, of KEDA and of Knative, by a fixed number, and by an oracle that
knows each request beforehand, in virtual time: what each costs in replica-hours at equal seconds over the objective. It leaves result.json
and report.html in the folder given by --out, and ends with 1 where a goal is missed.

Courses: ` + elastic.List())
	c.Flags().StringVar(&o.Folder, "traces", "", "`FOLDER` of the published traces (default: $"+tracesFolder+"; without it only generated courses)")
	c.Flags().StringSliceVar(&o.Only, "only", nil, "these courses, by name")
	c.Flags().Uint64Var(&o.Seed, "seed", 1, "the first")
	c.Flags().IntVar(&o.Seeds, "seeds", 0, "how many of generated courses (default 3)")
	c.Flags().IntVar(&o.Days, "days", 0, "days of generated courses, at most (default: as many as each has)")
	within(c, "seeds", "a whole number from 1 on")
	c.Flags().BoolVar(&o.Live, "live", false, "measured: a day in four minutes through sockets, with servers that the gateway starts and stops")
	within(c, "days", "a whole number from 1 on")
	return c
}
