package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/steelyard-proxy/steelyard/configs"
)

func checkCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "check --config FILE",
		Short: "Check a configuration file; print it resolved, and the share each endpoint will get",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := configs.Load(file, os.Environ())
			if err != nil {
				return err
			}
			return printCheck(c.OutOrStdout(), cfg)
		},
	}
	configFlag(c, &file)
	return c
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

// printShares prints, as YAML comments so that the whole output stays a valid
// configuration, what each endpoint gets while all are eligible: C_i / ΣC.
func printShares(w io.Writer, u configs.Upstream) error {
	sum := 0.0
	for _, e := range u.Endpoints {
		sum += e.Capacity
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "# upstream %s, policy %s\n# endpoint\tcapacity\tshare\n", u.Name, u.Policy)
	for _, e := range u.Endpoints {
		fmt.Fprintf(t, "# %s\t%g\t%.2f %%\n", e.Name, e.Capacity, 100*e.Capacity/sum)
	}
	return t.Flush()
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		Run: func(c *cobra.Command, _ []string) {
			fmt.Fprintf(c.OutOrStdout(), "steelyard %s %s (%s, %s/%s)\n",
				version(), revision(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}
