// steelyard demo as a command.

package demo

import (
	"time"

	"github.com/spf13/cobra"
)

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
recommendations are the real ones, and what they say is printed with its time.

With --elastic the servers are processes that the gateway starts and stops itself: a day passes within five minutes, in
which the load rises and falls.`,
		Args:         cobra.NoArgs,
		SilenceUsage: true, // an error is not one of the command line's form
		RunE: func(c *cobra.Command, _ []string) error {
			if s.week {
				return aWeek(c)
			}
			if c.Flags().Changed("day") && !s.elastic {
				return badFlag("--day has no meaning without --elastic: give both")
			}
			return run(c.Context(), s, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	flags := command.Flags()
	flags.BoolVar(&s.week, "week", false, "let a week pass in virtual time instead, and print what is noticed, and when")
	flags.BoolVar(&s.elastic, "elastic", false, "have the gateway start and stop the servers, as processes, through a day of load")
	flags.DurationVar(&s.day, "day", 5*time.Minute, "how long the day of --elastic takes")
	flags.BoolVar(&s.quiet, "quiet", false, "print the addresses and errors only")
	flags.BoolVar(&s.noLoad, "no-load", false, "send no load")
	flags.StringVar(&s.listen, "listen", "127.0.0.1:8080", "the gateway's `HOST:PORT`")
	flags.StringVar(&s.admin, "admin", "127.0.0.1:9090", "`HOST:PORT` of the admin listener")
	command.AddCommand(serverCommand())
	return command
}
