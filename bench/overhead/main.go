// The command: a run from its flags to its report.

package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/steelyard-proxy/steelyard/bench/bare"
)

func main() {
	bare.IfAsked()
	options, err := parse(os.Args[1:], os.Stderr)
	if err != nil {
		os.Exit(2) // parse has said why
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, options.limit())
	defer cancel()

	report := &Report{Command: strings.TrimSpace("go run ./bench/overhead " + strings.Join(os.Args[1:], " ")), Options: options}
	err = compare(ctx, options, report)
	if len(report.Samples) > 0 {
		fmt.Print(report.Markdown())
		if options.JSON != "" {
			if saveErr := report.Save(options.JSON); saveErr != nil {
				fmt.Fprintln(os.Stderr, saveErr)
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
