// steelyard demo server: one simulated server as a process, which the gateway starts and stops.

package demo

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/steelyard-proxy/steelyard/bench/backend"
	"github.com/steelyard-proxy/steelyard/bench/engine"
)

const serverName = "server"

func serverCommand() *cobra.Command {
	o := backend.Options{UnitTokens: unitTokens, Engine: engine.Options{FirstToken: firstToken}}
	var load time.Duration
	c := &cobra.Command{
		Use:    serverName,
		Short:  "One simulated server",
		Hidden: true, // the gateway of the demo starts it
		Args:   cobra.NoArgs,
		RunE:   func(c *cobra.Command, _ []string) error { return serveOne(c.Context(), o, load) },
	}
	flags := c.Flags()
	flags.StringVar(&o.Name, "name", "", "who answers")
	flags.StringVar(&o.Address, "address", "127.0.0.1:0", "to listen on")
	flags.IntVar(&o.Engine.Slots, "slots", slots, "requests that it works on at once")
	flags.Float64Var(&o.Engine.Capacity, "capacity", dayCapacity, "units of work per second")
	flags.DurationVar(&load, "load", 0, "how long it loads its model before it listens")
	return c
}

// serveOne serves until ctx ends.
func serveOne(ctx context.Context, o backend.Options, load time.Duration) error {
	select {
	case <-time.After(load):
	case <-ctx.Done():
		return nil
	}
	s, err := backend.New(o)
	if err != nil {
		return err
	}
	return s.Run(ctx)
}
