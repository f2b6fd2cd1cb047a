// The flags of the command.

//go:build linux

package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// options say what to run, and whom on.
type options struct {
	only   []string // names of hardships; empty: all
	binary string   // steelyard's program; "": build it
	before string   // another one of steelyard's, for a column of its own; "": none
	alone  bool     // steelyard only
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("hardship", flag.ContinueOnError)
	flags.SetOutput(out)
	only := flags.String("only", "", "run these `names` alone, separated by commas: "+strings.Join(names(hardships), ", "))
	flags.StringVar(&o.binary, "binary", "", "`file` of the steelyard program (default: build it from this tree)")
	flags.StringVar(&o.before, "before", "", "`file` of an older steelyard, shown beside it")
	flags.BoolVar(&o.alone, "alone", false, "leave nginx and HAProxy out")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	for _, name := range o.only {
		if !slices.Contains(names(hardships), name) {
			err := fmt.Errorf("-only %s: choose among %s", name, strings.Join(names(hardships), ", "))
			fmt.Fprintln(out, "hardship:", err)
			return o, err
		}
	}
	if flags.NArg() > 0 {
		err := fmt.Errorf("unexpected argument %q: every option starts with a dash", flags.Arg(0))
		fmt.Fprintln(out, "hardship:", err)
		return o, err
	}
	return o, nil
}

func (o options) wants(h hardship) bool { return len(o.only) == 0 || slices.Contains(o.only, h.name) }
