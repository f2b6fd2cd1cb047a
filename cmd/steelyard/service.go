// The life of a serving process: beside the gateway its reloads, upgrades and reports to systemd.

package main

import (
	"context"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/handover"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/systemd"
)

// service is a gateway and all that an operator can have done with it.
type service struct {
	ctx      context.Context // ends when the process is told to stop
	serving  context.Context // ends with it, or when another process serves instead
	app      *app.App
	log      *zap.Logger
	reloader *reloader
	upgrader *upgrader
	takeover *takeover // nil: nobody is replaced
	notify   *systemd.Notifier
}

func newService(ctx context.Context, a *app.App, log *zap.Logger, r *reloader, from *handover.From) *service {
	s := &service{ctx: ctx, app: a, log: log, reloader: r, notify: systemd.NewNotifier()}
	serving, yield := context.WithCancelCause(ctx)
	s.serving = serving
	r.ctx, r.notify = serving, s.notify
	s.upgrader = &upgrader{
		ctx: ctx, app: a, reloader: r, notify: s.notify, log: log, path: programPath(), yield: func() { yield(errReplaced) },
	}
	a.OnReload(r.onRequest)
	a.OnServing(s.begun)
	if from != nil {
		s.takeover = &takeover{from: from, app: a, reloader: r, log: log}
		a.OnBegin(s.takeover.begin)
	}
	return s
}

// run serves until the process is told to stop, or has been replaced and has finished what it had begun.
func (s *service) run() error {
	go s.reloader.onHangup()
	go s.reloader.watch(s.serving)
	go s.upgrader.onSignal()
	defer context.AfterFunc(s.ctx, s.stopping)()
	err := s.app.Run(s.ctx)
	s.upgrader.end()
	if err == nil {
		s.log.Info("stopped")
	}
	return err
}

// begun is called when all listeners are served.
func (s *service) begun() {
	var older *handover.Older
	if s.takeover != nil {
		older = s.takeover.serves()
	}
	s.upgrader.served(older)
	if err := s.notify.Ready(); err != nil {
		s.log.Warn("systemd was not told that this process serves", zap.Error(err))
	}
	go s.notify.Watch(s.serving, func() { s.app.Snapshots() }) // takes the lock that a hang would hold
}

func (s *service) stopping() {
	if !s.upgrader.isReplaced() { // else systemd follows another
		_ = s.notify.Stopping()
	}
}
