// steelyard demo as a command.

package demo

import "github.com/spf13/cobra"

// Command is `steelyard demo`. It runs until its context ends, and succeeds then.
func Command() *cobra.Command {
	var s settings
	command := &cobra.Command{
		Use:   "demo",
		Short: "Show everything at work: simulated servers, the gateway and a load, in one process",
		Long: `Runs three simulated inference servers of unequal capacity, the gateway in front
of them and a gentle load, and shows how the load is shared. It needs no files.`,
		Args:         cobra.NoArgs,
		SilenceUsage: true, // an error is not one of the command line's form
		RunE: func(c *cobra.Command, _ []string) error {
			return run(c.Context(), s, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	flags := command.Flags()
	flags.BoolVar(&s.quiet, "quiet", false, "print the addresses and errors only")
	flags.BoolVar(&s.noLoad, "no-load", false, "send no load")
	flags.StringVar(&s.listen, "listen", "127.0.0.1:8080", "the gateway's `HOST:PORT`")
	flags.StringVar(&s.admin, "admin", "127.0.0.1:9090", "`HOST:PORT` of the admin listener")
	return command
}
