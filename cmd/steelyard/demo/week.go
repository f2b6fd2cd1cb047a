// A week in virtual time.

package demo

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/steelyard-proxy/steelyard/bench/week"
)

// aWeek lets a week pass. The other flags are of servers and a gateway that it does not have.
func aWeek(c *cobra.Command) error {
	var odd string
	c.Flags().Visit(func(f *pflag.Flag) {
		if f.Name != "week" {
			odd = f.Name
		}
	})
	if odd != "" {
		return badFlag("--%s has no meaning with --week, which opens no socket: give one of them", odd)
	}
	out := c.OutOrStdout()
	fmt.Fprintln(out, "A week in virtual time, from what happens to what is said of it:")
	_, err := week.Run(c.Context(), out, week.Options{Seed: 1})
	return err
}
