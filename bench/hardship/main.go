// The command, where it can run: on Linux.

//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// limit is beyond what a run needs, so that only one that hangs meets it.
const limit = 10 * time.Minute

func main() {
	if len(os.Args) > 1 && os.Args[1] == bareTLS {
		os.Exit(holdBareTLS())
	}
	o, err := parse(os.Args[1:], os.Stderr)
	if err != nil {
		os.Exit(2) // parse has said why
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	wrong, err := run(ctx, o, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if len(wrong) > 0 {
		fmt.Fprintln(os.Stderr, "\nsteelyard is wrong in:")
		for _, name := range wrong {
			fmt.Fprintln(os.Stderr, " ", name)
		}
		os.Exit(1)
	}
}
