// The whole demo, started and stopped in order.

package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/steelyard-proxy/steelyard/bench/replay"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics"
)

// run is the whole demo, until ctx ends. Parts end in the opposite order of their
// start: the load first, so that the gateway has nothing to wait for.
func run(ctx context.Context, s settings, out, errOut io.Writer) error {
	if err := s.check(); err != nil {
		return err
	}
	parts := newStages()
	if s.elastic {
		return errors.Join(runGateway(ctx, s, nil, parts, out, errOut), parts.end())
	}
	servers, err := newFleet()
	if err != nil {
		return err
	}
	for _, server := range servers {
		parts.begin(server.Name(), server.Run)
	}
	err = runGateway(ctx, s, servers, parts, out, errOut)
	return errors.Join(err, parts.end())
}

// runGateway starts everything but the servers and waits for the end.
func runGateway(ctx context.Context, s settings, servers fleet, parts *stages, out, errOut io.Writer) error {
	picture := &show{out: out, news: &news{}}
	picture.screen = terminal(out)
	configuration, day := "", aDay{length: s.day}
	if s.elastic {
		var err error
		if configuration, err = day.configuration(s); err != nil {
			return err
		}
	} else {
		configuration = servers.configuration(s)
	}
	gateway, err := newGateway(configuration, newLog(s, picture, errOut))
	if err != nil {
		return s.explain(err)
	}
	parts.begin("gateway", gateway.Run)
	address := gateway.Addrs()[0]
	where := places{gateway: "http://" + address.String(), admin: "http://" + gateway.AdminAddr().String(), fleet: servers}
	switch {
	case s.quiet:
		fmt.Fprint(out, where.addressLines())
	case s.elastic:
		fmt.Fprintln(out, where.elasticGuide(s))
	default:
		fmt.Fprintln(out, where.guide(s))
	}
	if !s.noLoad {
		traffic, err := newTraffic(address)
		if err != nil {
			return err
		}
		if s.elastic {
			traffic.arrivals = day.arrivals()
		}
		parts.begin("load", traffic.run)
		picture.traffic = traffic
	}
	if !s.quiet {
		if s.elastic {
			picture.note = func(elapsed time.Duration) string { return day.note(elapsed, gateway.Metrics()) }
		}
		picture.read = func(now time.Time) ([]reading, error) {
			return read(gateway.Snapshots()[0], gateway.Metrics(), now)
		}
		parts.begin("table", picture.run)
	}
	return parts.wait(ctx)
}

// newGateway is the only place that uses the assembled program.
func newGateway(configuration string, log *zap.Logger) (*app.App, error) {
	cfg, err := configs.Parse("demo", []byte(configuration), nil) // nil: the environment is for serve
	if err != nil {
		return nil, err
	}
	return app.New(cfg, app.Options{
		Log: log, Metrics: metrics.New(metrics.Build{Version: "demo"}), Replay: replay.New,
		ConfigText: func() (string, []byte, error) { return "demo.yaml", []byte(configuration), nil },
	})
}

// newLog sends the gateway's log to standard error, or below the table if there
// is one.
func newLog(s settings, picture *show, errOut io.Writer) *zap.Logger {
	level := zapcore.InfoLevel
	var to io.Writer = errOut
	switch {
	case s.quiet:
		level = zapcore.ErrorLevel
	case picture.screen != nil:
		to = picture.news
	}
	form := zap.NewDevelopmentEncoderConfig()
	form.EncodeTime = zapcore.TimeEncoderOfLayout(time.TimeOnly)
	form.CallerKey, form.StacktraceKey = "", ""
	form.ConsoleSeparator = "  "
	return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(form), zapcore.Lock(zapcore.AddSync(to)), level))
}
