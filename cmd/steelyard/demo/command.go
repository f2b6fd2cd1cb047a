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
of them and a gentle load, and shows how the load is shared. It needs no files.

With --week it opens no socket: a week passes within a minute, in which a server becomes slow, a user asks for
far too much and all servers fail for a while. The balancer, the alerts, the search for causes and the
recommendations are the real ones, and what they say is printed with its time.`,
		Args:         cobra.NoArgs,
		SilenceUsage: true, // an error is not one of the command line's form
		RunE: func(c *cobra.Command, _ []string) error {
			if s.week {
				return aWeek(c)
			}
			return run(c.Context(), s, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	flags := command.Flags()
	flags.BoolVar(&s.week, "week", false, "let a week pass in virtual time instead, and print what is noticed, and when")
	flags.BoolVar(&s.quiet, "quiet", false, "print the addresses and errors only")
	flags.BoolVar(&s.noLoad, "no-load", false, "send no load")
	flags.StringVar(&s.listen, "listen", "127.0.0.1:8080", "the gateway's `HOST:PORT`")
	flags.StringVar(&s.admin, "admin", "127.0.0.1:9090", "`HOST:PORT` of the admin listener")
	return command
}
