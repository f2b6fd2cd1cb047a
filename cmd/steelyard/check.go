// steelyard check and steelyard version.

package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer/cost"
	"github.com/steelyard-proxy/steelyard/configs"
)

func checkCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "check FILE",
		Short: "Check a configuration file; print it resolved, and the share each endpoint will get",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, notes, err := configs.Examine(file, os.Environ())
			if err != nil {
				return err
			}
			for _, note := range notes { // not to standard output, where the configuration goes
				for _, problem := range note.List {
					fmt.Fprintln(c.ErrOrStderr(), "note:", problem)
				}
			}
			return printCheck(c.OutOrStdout(), cfg)
		},
	}
	takeConfig(c, &file)
	return c
}

// takeConfig lets a command take its configuration file as its only argument, or by --config.
func takeConfig(c *cobra.Command, file *string) {
	c.Flags().StringVarP(file, "config", "c", "", "configuration file (YAML), instead of FILE")
	c.Args = func(c *cobra.Command, args []string) error {
		byFlag := c.Flags().Changed("config")
		if value, _, _ := strings.Cut(*file, "="); byFlag && value == "onfig" { // of -c
			return badInput("unknown flag: -config: did you mean \"--config\"?")
		}
		switch {
		case len(args) > 1 || len(args) == 1 && byFlag:
			return badInput("unexpected argument %q: give one configuration file", shorten(args[len(args)-1]))
		case len(args) == 1:
			*file = args[0]
		}
		if *file == "" {
			return badInput("no configuration: name a file, as in %s FILE", c.CommandPath())
		}
		return nil
	}
}

// logNotes writes one line for each kind of note.
func logNotes(log *zap.Logger, notes []configs.Note) {
	for _, note := range notes {
		log.Warn("a setting is probably not meant like that", zap.Stringer("note", note))
	}
}

func printCheck(w io.Writer, cfg *configs.Config) error {
	text, err := cfg.YAML()
	if err != nil {
		return fmt.Errorf("print the configuration: %w", err)
	}
	if _, err := fmt.Fprintf(w, "%s\n", text); err != nil {
		return err
	}
	for _, u := range cfg.Upstreams {
		if err := printShares(w, u); err != nil {
			return err
		}
	}
	return nil
}

// meaning says when the printed shares hold, for policies that do not simply share by
// capacity.
var meaning = map[string]string{
	"least_cost":    "; of the work, while all are busy: slow endpoints get fewer requests, and longer ones",
	"least_load":    "; when all are busy; with little traffic the fastest get more",
	"two_choices":   "; when all are busy; with little traffic the fastest get more",
	"optimal_split": "; near full load; with less traffic slow endpoints get less",
	"round_robin":   "; the same for each, whatever its capacity",
}

// printShares prints, as YAML comments so that the whole output stays a valid
// configuration, what each endpoint gets while all are eligible: C_i / ΣC.
func printShares(w io.Writer, u configs.Upstream) error {
	sum := 0.0
	for _, e := range u.Endpoints {
		sum += e.Capacity.Value
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "# upstream %s, policy %s%s\n# endpoint\tcapacity\tslots\tshare\n", u.Name, u.Policy, meaning[u.Policy])
	for _, e := range u.Endpoints {
		share, slots := e.Capacity.Value/sum, e.Slots.String()
		if u.Policy == "round_robin" {
			share = 1 / float64(len(u.Endpoints))
		}
		if e.Slots == (configs.Slots{}) {
			slots = "no limit"
		}
		fmt.Fprintf(t, "# %s\t%s\t%s\t%.2f %%\n", e.Name, e.Capacity, slots, 100*share)
	}
	if len(u.Endpoints) == 0 {
		fmt.Fprintf(t, "# none in this file: those that %s are known only when it serves\n", whence(u))
	}
	if u.Policy == "least_cost" {
		printExpected(t, u)
	}
	return t.Flush()
}

// whence says where the endpoints of an upstream without fixed ones come from.
func whence(u configs.Upstream) string {
	if u.Discovery != nil {
		return "discovery finds"
	}
	return "scale starts"
}

// printExpected prints what a request is expected to cost at each endpoint while nothing is in flight there and
// nothing was measured: by capacity alone.
func printExpected(w io.Writer, u configs.Upstream) {
	const prompt = 4 << 10
	var learned cost.Upstream
	learned.Begin()
	ask := learned.Ask(&cost.Prompt{Bytes: prompt, Streams: true}, 0)
	mean := 0.0
	for _, e := range u.Endpoints {
		mean += e.Capacity.Value / float64(len(u.Endpoints))
	}
	fmt.Fprintf(w, "# what a prompt of %d KiB costs there while nothing is in flight, before anything was measured\n# endpoint\tread, ms\twrite, ms\tcost, ms\n", prompt>>10)
	for _, e := range u.Endpoints {
		parts := cost.NewServer().Quote(&ask, cost.Place{Capacity: e.Capacity.Value / mean})
		fmt.Fprintf(w, "# %s\t%.0f\t%.0f\t%.0f\n", e.Name, 1e3*parts.Read, 1e3*parts.Write, 1e3*parts.Sum())
	}
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		Run:   func(c *cobra.Command, _ []string) { fmt.Fprintln(c.OutOrStdout(), versionLine()) },
	}
}

func versionLine() string {
	return fmt.Sprintf("steelyard %s %s (%s, %s/%s)", version(), revision(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
