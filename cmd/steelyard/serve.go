package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/configs"
)

func serveCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "serve FILE",
		Short: "Serve by a configuration file; SIGHUP reloads it, SIGTERM drains and stops",
		RunE: func(c *cobra.Command, _ []string) error {
			return serve(c.Context(), file)
		},
	}
	takeConfig(c, &file)
	return c
}

func serve(ctx context.Context, file string) error {
	cfg, err := configs.Load(file, os.Environ())
	if err != nil {
		return err
	}
	log, access, behind := newLogs(cfg.Log, os.Stderr)
	defer runBehind(behind)()
	a, err := app.New(cfg, app.Options{Log: log, AccessLog: access, Version: version(), Revision: revision()})
	if err != nil {
		return err
	}
	log.Info("starting", zap.String("version", version()), zap.String("config", file))
	go reloadOnHangup(ctx, a, file)
	if err := a.Run(ctx); err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}

// reloadOnHangup reloads the file at each SIGHUP until ctx ends.
func reloadOnHangup(ctx context.Context, a *app.App, file string) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			cfg, err := configs.Load(file, os.Environ())
			if err != nil {
				a.ReloadFailed(err)
				continue
			}
			_ = a.Reload(cfg) // has logged what went wrong
		}
	}
}

// buildVersion is set by the linker for releases.
var buildVersion string

func version() string {
	if buildVersion != "" {
		return buildVersion
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// revision is the commit the program was built from, where the build knows it.
func revision() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return ""
}
