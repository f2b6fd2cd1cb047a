// Command steelyard is a load balancer for inference servers of unequal
// capacity. `steelyard help` lists its commands.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/demo"
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
	ctx, stop := signalContext()
	defer stop()
	root, understood := rootCommand(), false
	root.PersistentPreRun = func(*cobra.Command, []string) { understood = true }
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
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
	c.AddCommand(serveCommand(), checkCommand(), trainCommand(), predictCommand(), versionCommand(), demo.Command(), benchCommand())
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
		fmt.Fprintln(os.Stderr, bad)
		return exitBad
	}
	fmt.Fprintln(os.Stderr, "steelyard:", err)
	_, usage := errors.AsType[*usageError](err)
	if _, ofDemo := errors.AsType[*demo.UsageError](err); usage || ofDemo {
		return exitBad
	}
	return exitFailed
}

// signalContext ends at the first SIGINT or SIGTERM. A second one ends the
// process at once.
func signalContext() (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(exitFailed)
	}()
	return ctx, cancel
}
