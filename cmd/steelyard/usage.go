package main

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/spf13/cobra"

	"github.com/steelyard-proxy/steelyard/configs"
)

// usageError is a command line that cannot be meant.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// badInput is an error of the user's, not of the program: it ends with exitBad.
func badInput(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// explainUsage puts words of our own where cobra's are those of a programmer, or are none.
func explainUsage(root *cobra.Command) {
	root.SetFlagErrorFunc(flagError)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			help := c.Run
			c.Run, c.RunE = nil, func(c *cobra.Command, args []string) error {
				of, rest, _ := c.Root().Find(args)
				if err := isCommand(of, rest); err != nil {
					return err
				}
				help(c, args)
				return nil
			}
		case "completion":
			c.Args, c.RunE = isCommand, func(c *cobra.Command, _ []string) error { return c.Help() }
		}
	}
}

// isCommand refuses the name of a command that c does not have.
func isCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var known []string
	for _, inner := range c.Commands() {
		if inner.IsAvailableCommand() || inner.Name() == "help" {
			known = append(known, inner.Name())
		}
	}
	if len(known) == 0 {
		return badInput("%s has no commands of its own, such as %q", c.CommandPath(), shorten(args[0]))
	}
	slices.Sort(known)
	return badInput("unknown command %q for %q: %s", shorten(args[0]), c.CommandPath(), configs.Suggest(args[0], known))
}

// onlyData refuses words that are no flags, which may be meant for the --data of c.
func onlyData(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return badInput("%q belongs to no flag: give a request log with --data FILE.csv", shorten(args[0]))
	}
	return nil
}

// rangeOf is the annotation of a flag that takes fewer numbers than its type has.
const rangeOf = "range"

// within tells flagError of the numbers that a flag takes.
func within(c *cobra.Command, name, numbers string) {
	c.Flags().Lookup(name).Annotations = map[string][]string{rangeOf: {numbers}}
}

// flagError says what a flag wants, where its value was no such thing.
func flagError(c *cobra.Command, err error) error {
	bad := badValue(c.Flags().Lookup)
	if !errors.As(err, &bad) {
		return &usageError{err.Error()}
	}
	flag, wanted := bad.GetFlag(), ""
	switch flag.Value.Type() {
	case "int":
		wanted = fmt.Sprintf("a whole number from %d to %d", math.MinInt, math.MaxInt)
	case "uint64":
		wanted = fmt.Sprintf("a whole number from 0 to %d", uint64(math.MaxUint64))
	case "float64":
		wanted = "a number"
	case "bool":
		wanted = "true or false"
	default:
		return &usageError{err.Error()}
	}
	if numbers := flag.Annotations[rangeOf]; numbers != nil {
		wanted = numbers[0]
	}
	return badInput("--%s must be %s, is %q", flag.Name, wanted, shorten(bad.GetValue()))
}

// refusal is the error of a value that a flag cannot take: *pflag.InvalidValueError.
type refusal[Flag any] interface {
	error
	GetFlag() Flag
	GetValue() string
}

// badValue is none yet, of the type of flag that is looked up so.
func badValue[Flag any](func(string) Flag) refusal[Flag] { return nil }
