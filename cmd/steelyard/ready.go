// steelyard ready: whether a running gateway is ready, for health checks of containers.

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/steelyard-proxy/steelyard/configs"
)

func readyCommand() *cobra.Command {
	var l adminListener
	var patience time.Duration
	c := &cobra.Command{
		Use:   "ready [FILE]",
		Short: "Ask a running gateway whether it is ready: the exit code is 0 if it is, else 1",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				if c.Flags().Changed("admin") {
					return badInput("give the configuration file or --admin, not both")
				}
				cfg, err := configs.Load(args[0], os.Environ())
				if err != nil {
					return err
				}
				if l.address = reachable(cfg.Admin.Address); l.address == "" {
					return badInput("%s has no admin.address: nobody can be asked", shorten(args[0]))
				}
			}
			ctx, cancel := context.WithTimeout(c.Context(), patience)
			defer cancel()
			return l.ready(ctx)
		},
	}
	c.Flags().StringVar(&l.address, "admin", defaultAdmin, "admin listener of the gateway, if not that of FILE: host:port, a URL, or unix:PATH")
	c.Flags().DurationVar(&patience, "timeout", 3*time.Second, "how long the answer may take")
	return c
}

// ready fails with what speaks against it. Nobody has to show a token for that.
func (l *adminListener) ready(ctx context.Context) error {
	client, base, err := l.client()
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/readyz", nil)
	if err != nil {
		return badInput("--admin %s: %v", shorten(l.address), err)
	}
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("not ready: no gateway answers: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	var said struct {
		Ready   *bool
		Reasons []string
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 64<<10)).Decode(&said); err != nil || said.Ready == nil {
		return fmt.Errorf("not ready: what answers there is no steelyard's admin listener (status %d)", answer.StatusCode)
	}
	if !*said.Ready {
		return fmt.Errorf("not ready: %s", strings.Join(said.Reasons, "; "))
	}
	return nil
}

// reachable is where an address that is listened on is reached from this machine.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	switch {
	case err != nil:
		return address // a unix socket, or none
	case host == "" || host == "0.0.0.0":
		host = "127.0.0.1"
	case host == "::":
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}
