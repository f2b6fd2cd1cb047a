// Errors of the command line, in words that say what to give instead.

package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/steelyard-proxy/steelyard/configs"
)

// usageError is a command line that cannot be right.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// badInput is an error of the user, not of the program: the process ends with exitBad.
func badInput(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// explainUsage replaces cobra's messages, which are written for programmers, or missing.
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

// onlyData refuses arguments, which were probably meant for c's --data.
func onlyData(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return badInput("%q is not a flag: give a request log with --data FILE.csv", shorten(args[0]))
	}
	return nil
}

// rangeOf is the annotation of a flag that does not take all numbers of its type.
const rangeOf = "range"

// within says which numbers a flag takes, for flagError.
func within(c *cobra.Command, name, numbers string) {
	c.Flags().Lookup(name).Annotations = map[string][]string{rangeOf: {numbers}}
}

// decimal is a number of a flag, in plain decimal digits only. pflag alone would take 010 for 8 and 1_0 for 10.
type decimal struct{ pflag.Value }

var errOdd = errors.New("not in plain decimal digits")

// Set implements pflag.Value.
func (d decimal) Set(text string) error {
	if text = strings.TrimSpace(text); configs.Plainer(text) != text || strings.ContainsAny(text, "xXbBoO") {
		return errOdd
	}
	return d.Value.Set(text)
}

// readDecimals makes all numeric flags of c and its commands take plain decimal digits only.
func readDecimals(c *cobra.Command) {
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if slices.Contains([]string{"int", "uint64", "float64"}, f.Value.Type()) {
			f.Value = decimal{f.Value}
		}
	})
	for _, inner := range c.Commands() {
		readDecimals(inner)
	}
}

// flagError says what a flag wants instead of the value it got.
func flagError(c *cobra.Command, err error) error {
	if missing, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return unknownFlag(c, missing)
	}
	bad, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return &usageError{err.Error()}
	}
	flag, wanted := bad.GetFlag(), ""
	switch flag.Value.Type() {
	case "int":
		wanted = "a whole number"
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
	remedy := ""
	if plainer := configs.Plainer(bad.GetValue()); plainer != bad.GetValue() && configs.IsDecimal(plainer) {
		remedy = ": write " + shorten(plainer)
	}
	return badInput("--%s must be %s, is %q%s", flag.Name, wanted, shorten(bad.GetValue()), remedy)
}

// unknownFlag suggests the flag that was probably meant.
func unknownFlag(c *cobra.Command, missing *pflag.NotExistError) error {
	name := missing.GetSpecifiedName()
	if all := missing.GetSpecifiedShortnames(); all != "" {
		name, _, _ = strings.Cut(all, "=")
		if c.Flags().Lookup(name) != nil {
			return badInput("unknown flag: -%s: did you mean \"--%s\"?", shorten(name), name)
		}
		return badInput("unknown flag: -%s: see %s --help", shorten(all), c.CommandPath())
	}
	if name == "version" {
		return badInput("unknown flag: --version: say steelyard --version")
	}
	var known []string
	c.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
	if slices.Contains(known, "--config") && len(name) >= 3 && strings.HasPrefix("configuration", name) {
		return badInput("unknown flag: --%s: did you mean \"--config\"?", name)
	}
	slices.Sort(known)
	return badInput("unknown flag: --%s: %s", shorten(name), configs.Suggest("--"+name, known))
}
