// steelyard agent: how this machine fares, for gateways elsewhere.

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/steelyard-proxy/steelyard/health/resource/agent"
)

func agentCommand() *cobra.Command {
	var listen string
	var o agent.Options
	c := &cobra.Command{
		Use:   "agent",
		Short: "Serve how this machine fares (CPU, memory, disks, GPUs) in Prometheus' text, where no node_exporter runs",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			out := c.ErrOrStderr()
			o.Problem = func(what string, err error) { fmt.Fprintf(out, "left out of the page: %s: %v\n", what, err) }
			a, err := agent.New(o)
			if err != nil {
				return err
			}
			ln, err := net.Listen("tcp", listen)
			if err != nil {
				return fmt.Errorf("listen: %w; give another address by --listen", err)
			}
			fmt.Fprintf(out, "steelyard agent: http://%s/metrics says how this machine fares\n", ln.Addr())
			return serveAgent(c.Context(), a, ln)
		},
	}
	c.Flags().StringVar(&listen, "listen", ":9101", "address to serve on")
	c.Flags().BoolVar(&o.Container, "container", false, "the limits of the container that it runs in count, in place of the machine's CPUs and memory")
	return c
}

// serveAgent serves until ctx ends.
func serveAgent(ctx context.Context, a *agent.Agent, ln net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_ = a.Write(w) // whoever asked has gone
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		_ = a.Run(ctx)
		_ = server.Close() // a page takes a moment; there is nothing to wait for
	}()
	err := server.Serve(ln)
	if errors.Is(err, http.ErrServerClosed) {
		<-ran
		return nil
	}
	return fmt.Errorf("serve: %w", err)
}
