// Taking over from an old program.

package main

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/handover"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// takeover is the new program's part of an upgrade.
type takeover struct {
	from     *handover.From
	app      *app.App
	reloader *reloader
	log      *zap.Logger
	said     handover.Serve  // by the old program; written by begin
	older    *handover.Older // written by begin
}

// givenBy are the sockets of the old program.
func givenBy(from *handover.From) (all []app.Given) {
	for _, s := range from.Sockets {
		all = append(all, app.Given(s))
	}
	return all
}

// keptBy are the servers that the old program has started.
func keptBy(from *handover.From) (all []app.Kept) {
	for _, k := range from.Kept {
		all = append(all, app.Kept(k))
	}
	return all
}

var errUnwanted = errors.New("told to stop before it served")

// begin waits until the old program lets this one serve.
func (t *takeover) begin(ctx context.Context) error {
	stop := context.AfterFunc(ctx, t.from.Close)
	s, err := t.from.Ready()
	if !stop() || ctx.Err() != nil {
		return errUnwanted
	}
	if err != nil {
		return err
	}
	for _, d := range s.Drains {
		t.app.Drain(app.Drained(d))
	}
	for upstream, why := range s.Paused {
		t.app.Pause(upstream, why)
	}
	t.said = s
	t.older = t.from.Follow(s, t.changed)
	return nil
}

// changed is told of what the old programs still do.
func (t *takeover) changed(processes int, state handover.State) {
	t.app.SetElsewhere(processes, state.Load, state.Waiting)
	if processes == 0 {
		t.app.Alone()
		t.log.Info("all processes that this one has replaced have ended")
	}
}

// servers are those that this program has, for requests that wait in older ones.
func (t *takeover) servers() handover.Servers {
	all := handover.Servers{}
	for upstream, list := range t.app.Started() {
		all[upstream] = []handover.Server{}
		for _, s := range list {
			all[upstream] = append(all[upstream], handover.Server(s))
		}
	}
	return all
}

// serves tells the old program that this one serves.
func (t *takeover) serves() *handover.Older {
	t.from.Serving()
	go t.older.TellServers(t.servers)
	t.app.Events().Publish(event.Event{Kind: event.UpgradeDone, Cause: "SIGUSR2", Action: "this process serves; the one before finishes what it has begun"})
	if t.said.Reload {
		_, _ = t.reloader.reload()
	}
	return t.older
}
