// Command steelyard is a load balancer for inference servers of unequal
// capacity. `steelyard help` lists its commands.
package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/demo"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/register"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/signals"
	"github.com/steelyard-proxy/steelyard/configs"
)

// Exit codes: 1 for what failed while running, 2 for a bad configuration or a
// bad command line.
const (
	exitFailed = 1
	exitBad    = 2
)

func main() { os.Exit(run(os.Args[1:])) }

// run executes one command line and returns the exit code.
func run(args []string) int {
	root, understood := rootCommand(), false
	root.PersistentPreRun = func(c *cobra.Command, _ []string) {
		understood = true
		if c.Name() != serveName && c.Name() != registerName { // the one that reloads and hands over, and the one that passes them on
			signals.OthersEnd()
		}
	}
	root.SetArgs(args)
	err := root.ExecuteContext(signals.Context())
	if err != nil && !understood { // cobra's own words on flags, arguments and commands
		err = &usageError{err.Error()}
	}
	return exitCode(err)
}

func rootCommand() *cobra.Command {
	c := &cobra.Command{
		Use:           "steelyard",
		Short:         "Share requests among inference servers in proportion to their capacity",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       versionLine(),
	}
	c.SetVersionTemplate("{{.Version}}\n")
	c.AddCommand(serveCommand(), checkCommand(), alertsCommand(), trainCommand(), predictCommand(), adviseCommand(), useCommand(), registerCommand(), versionCommand(), agentCommand(), readyCommand(), serviceCommands(), demo.Command(), benchCommand())
	explainUsage(c)
	readDecimals(c)
	return c
}

// exitCode prints the error of a command, whole and once.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if bad, ok := errors.AsType[*configs.Errors](err); ok {
		say(bad.Error())
		return exitBad
	}
	if of, ok := errors.AsType[*register.Exit](err); ok { // the server has said itself what there was to say
		return of.Code
	}
	say("steelyard: " + err.Error())
	_, usage := errors.AsType[*usageError](err)
	if _, ofDemo := errors.AsType[*demo.UsageError](err); usage || ofDemo {
		return exitBad
	}
	return exitFailed
}

// say writes a line to standard error, but does not wait for ever for somebody to read it: a
// process that cannot go on must end.
func say(line string) {
	out, said := os.Stderr, make(chan struct{})
	go func() {
		fmt.Fprintln(out, line)
		close(said)
	}()
	select {
	case <-said:
	case <-time.After(syncTime):
	}
}
