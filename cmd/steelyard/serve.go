// steelyard serve: the gateway, its reloads and its version.

package main

import (
	"context"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/bench/replay"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/handover"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/signals"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/systemd"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics"
)

func serveCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   serveName + " FILE",
		Short: "Serve by a configuration file; SIGHUP reloads it, SIGUSR2 starts a new binary that takes over, SIGTERM drains and stops",
		RunE: func(c *cobra.Command, _ []string) error {
			return serve(c.Context(), file)
		},
	}
	takeConfig(c, &file)
	return c
}

// textOf reads a configuration as it stands in its file.
func textOf(file string) func() (string, []byte, error) {
	return func() (string, []byte, error) {
		text, err := os.ReadFile(file)
		return file, text, err
	}
}

// serveName is the command that SIGHUP does not end.
const serveName = "serve"

func serve(ctx context.Context, file string) error {
	signals.IgnoreBrokenPipes()
	from, err := handover.Take()
	if err != nil {
		return err
	}
	passed := systemd.Sockets()
	content := contentOf(file) // before it is read: what changes after this is seen
	cfg, notes, err := configs.Examine(file, os.Environ())
	if err != nil {
		return err
	}
	given, err := assign(cfg, passed)
	if err != nil {
		return err
	}
	var kept []app.Kept
	if from != nil {
		given, kept = givenBy(from), keptBy(from)
	}
	counted := metrics.New(metrics.Build{Version: version(), Revision: revision()})
	log, access, behind := newLogs(cfg.Log, os.Stderr, counted)
	defer behind.run()()
	a, err := app.New(cfg, app.Options{
		Log: log, AccessLog: access, Metrics: counted, Memory: memoryAvailable(), Given: given, Kept: kept, Shared: from != nil,
		Replay: replay.New, ConfigText: textOf(file),
	})
	if err != nil {
		return err
	}
	log.Info("starting", zap.String("version", version()), zap.String("config", file), zap.Stringer("memory_limit", limitMemory(cfg, cfg)), zap.Int("pid", os.Getpid()))
	if advice, warning := descriptorAdvice(cfg, raiseDescriptors()); warning {
		log.Warn(advice)
	} else if advice != "" {
		log.Info(advice)
	}
	logNotes(log, notes)
	go new(tidier).run(ctx)
	if os.Getpid() == 1 {
		go newOrphans().run(ctx)
	}
	return newService(ctx, a, log, &reloader{app: a, start: cfg, file: file, log: log, last: content}, from).run()
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
