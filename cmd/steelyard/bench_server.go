// steelyard bench server: one simulated server as a process, which the bench can kill.

package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/steelyard-proxy/steelyard/bench/backend"
	"github.com/steelyard-proxy/steelyard/bench/chaos"
	"github.com/steelyard-proxy/steelyard/bench/engine"
)

// serverName is the command by which the bench starts itself as a server.
const serverName = "server"

func benchServerCommand() *cobra.Command {
	var o backend.Options
	c := &cobra.Command{
		Use:    serverName,
		Short:  "One simulated server, until standard input ends",
		Hidden: true, // the bench starts it
		Args:   cobra.NoArgs,
		RunE:   func(c *cobra.Command, _ []string) error { return chaos.Serve(c.Context(), o, c.InOrStdin()) },
	}
	flags := c.Flags()
	flags.StringVar(&o.Name, "name", "", "who answers")
	flags.StringVar(&o.Address, "address", "127.0.0.1:0", "to listen on")
	flags.IntVar(&o.Engine.Slots, "slots", 0, "requests that it works on at once")
	flags.Float64Var(&o.Engine.Capacity, "capacity", 0, "units of work per second")
	flags.StringVar(&o.Engine.Kind, "kind", "", "of an engine that batches, in place of slots and capacity: "+strings.Join(engine.Kinds(), ", "))
	flags.Float64Var(&o.Speed, "speed", 1, "how many times as fast as its law says")
	flags.IntVar(&o.UnitTokens, "tokens", 0, "events of a stream for each unit")
	return c
}
