// steelyard alerts: the rules of a configuration, to look at, to try, and for a Prometheus.

package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/alert"
)

func alertsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "alerts",
		Short: "List the rules of alerts, try one on a recording, or write them for a Prometheus",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(alertsListCommand(), alertsTestCommand(), alertsExportCommand())
	return c
}

func alertsListCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "list FILE",
		Short: "Print the rules of a configuration, the built-in ones included",
		RunE: func(c *cobra.Command, _ []string) error {
			plan, err := readAlertPlan(file)
			if err != nil {
				return err
			}
			return printAlertRules(c.OutOrStdout(), plan.All())
		},
	}
	takeConfig(c, &file)
	return c
}

func alertsExportCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "export FILE",
		Short: "Print the same rules as a file of rules for Prometheus",
		RunE: func(c *cobra.Command, _ []string) error {
			plan, err := readAlertPlan(file)
			if err != nil {
				return err
			}
			_, err = c.OutOrStdout().Write(alert.Export(plan.All(), plan.Interval))
			return err
		},
	}
	takeConfig(c, &file)
	return c
}

// readAlertPlan is what a configuration asks to be watched; without one, the built-in rules.
func readAlertPlan(file string) (alert.Plan, error) {
	if file == "" {
		return alert.Plan{Rules: alert.DefaultRules(nil), SLOs: alert.DefaultSLOs(), Interval: 10 * time.Second}, nil
	}
	cfg, err := configs.Load(file, os.Environ())
	if err != nil {
		return alert.Plan{}, err
	}
	return app.AlertPlan(cfg), nil
}

func printAlertRules(w io.Writer, rules []*alert.Rule) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tSEVERITY\tON\tFOR\tFIRES WHEN")
	for _, r := range rules {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", r.Name, r.Severity, r.On, r.For, r.Condition())
	}
	return t.Flush()
}

func alertsTestCommand() *cobra.Command {
	var file, data string
	c := &cobra.Command{
		Use:   "test RULE --data FILE [--config FILE]",
		Short: "Try a rule on what was recorded, and print each change of its alerts",
		Long: `Try a rule on what was recorded, and print each change of its alerts.

A recording is pages of /metrics one after the other, each after a line that says when it was read:

  while sleep 10; do date -u +'# at %FT%TZ'; curl -s http://127.0.0.1:9090/metrics; done > recording.txt

Without --config it knows the built-in rules.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return badInput("give the name of one rule: steelyard alerts list FILE has them")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if data == "" {
				return badInput("no recording: name one with --data FILE")
			}
			return tryRule(c.OutOrStdout(), args[0], file, data)
		},
	}
	c.Flags().StringVarP(&file, "config", "c", "", "configuration file (YAML) that has the rule")
	c.Flags().StringVar(&data, "data", "", "recording: pages of /metrics, each after a line '# at TIME', in this `FILE`")
	return c
}

// tryRule runs one rule over a recording.
func tryRule(w io.Writer, name, file, data string) error {
	plan, err := readAlertPlan(file)
	if err != nil {
		return err
	}
	var names []string
	for _, r := range plan.All() {
		names = append(names, r.Name)
	}
	if !slices.Contains(names, name) {
		return badInput("there is no rule %q: %s", shorten(name), configs.Suggest(name, names))
	}
	from, err := os.Open(data)
	if err != nil {
		return fmt.Errorf("read the recording: %w", err)
	}
	defer from.Close()
	recording, err := alert.ReadRecording(from)
	if err != nil {
		return fmt.Errorf("read the recording %s: %w", data, err)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "AT\tSTATE\tUPSTREAM\tENDPOINT\tVALUE\tSUMMARY")
	changes := 0
	alert.Replay(plan.Only(name), recording, func(at time.Time, a alert.Alert) {
		if a.Name != name {
			return
		}
		changes++
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%g\t%s\n", at.UTC().Format(time.RFC3339), a.State, dash(a.Upstream), dash(a.Endpoint), a.Value, a.Summary)
	})
	if err := t.Flush(); err != nil {
		return err
	}
	if changes == 0 {
		_, err = fmt.Fprintln(w, "the recording has nothing that this rule is about")
	}
	return err
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
