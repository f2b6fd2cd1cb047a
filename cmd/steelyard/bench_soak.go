// steelyard bench soak: random faults for minutes, and a look at what has grown.

package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/steelyard-proxy/steelyard/bench/chaos"
	"github.com/steelyard-proxy/steelyard/bench/peers"
)

func soakCommand() *cobra.Command {
	var o chaos.SoakOptions
	c := &cobra.Command{
		Use:   "soak",
		Short: "Random faults for minutes: goroutines, descriptors and memory must not grow",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.Lasts < chaos.ShortestSoak {
				return badInput("bench soak: --for %v: give %v or more", o.Lasts, chaos.ShortestSoak)
			}
			self, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this program: %w", err)
			}
			if o.Program, err = peers.Ours(c.Context(), self); err != nil {
				return err
			}
			o.Server, o.Out = []string{self, "bench", serverName}, c.OutOrStdout()
			met, err := chaos.Soak(c.Context(), o)
			if err == nil && !met {
				err = errors.New("bench soak: it has grown, or has not come to rest")
			}
			return err
		},
	}
	flags := c.Flags()
	flags.DurationVar(&o.Lasts, "for", 10*time.Minute, "how long it goes on")
	flags.Uint64Var(&o.Seed, "seed", 1, "of the faults and the load")
	flags.Float64Var(&o.Rate, "rate", 200, "requests per second")
	return c
}
