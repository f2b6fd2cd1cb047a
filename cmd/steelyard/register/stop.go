// The end: of the server by itself, or because we were told to stop.

package register

import (
	"context"
	"os"
	"syscall"
	"time"

	"go.uber.org/zap"
)

// gone is the end of a server that nobody stopped. Its record says so for the rest of its life, so that whoever reads it
// sees it.
func (k *Keeper) gone() error {
	exit := k.server.exit()
	k.Log.Warn("server ended", zap.Int("exit_code", exit.Code))
	if k.written {
		k.depart()
	}
	return exit
}

// depart has the record say that the server departs.
func (k *Keeper) depart() {
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	if !k.departs {
		k.departs, k.departed = true, time.Now()
	}
	k.announce(ctx)
}

// stop drains the server, stops it if we started it, and takes its record away.
func (k *Keeper) stop(ended <-chan struct{}) error {
	first := os.Signal(syscall.SIGTERM)
	if s := k.First(); s != nil {
		first = s
	}
	if k.written {
		k.Log.Info("stopping: gateways are told that the server departs", zap.Stringer("signal", first), zap.Duration("drain", k.Drain))
		k.depart()
		k.drain(ended)
	}
	if k.server == nil {
		k.leave()
		return nil
	}
	k.server.signal(first)
	k.wait(ended)
	k.leave()
	exit := k.server.exit()
	k.Log.Info("server ended", zap.Int("exit_code", exit.Code))
	return exit
}

// drain renews the record until the time is over, the server has ended, or we are told to stop again.
func (k *Keeper) drain(ended <-chan struct{}) {
	over := time.NewTimer(k.Drain)
	defer over.Stop()
	renew := time.NewTicker(k.Registrar.TTL() / 3)
	defer renew.Stop()
	for {
		select {
		case <-over.C:
			return
		case <-ended:
			return
		case <-k.Stops:
			k.Log.Info("told to stop again: not waiting any longer")
			return
		case s := <-k.Pass:
			k.server.signal(s)
		case <-renew.C:
			k.depart()
		}
	}
}

// wait passes signals to the server until it has ended. How long that may take is for whoever stops us to say.
func (k *Keeper) wait(ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			return
		case s := <-k.Stops:
			k.server.signal(s)
		case s := <-k.Pass:
			k.server.signal(s)
		}
	}
}

// leave takes the record away, if it has said for long enough that the server departs; else it ends by itself.
func (k *Keeper) leave() {
	if !k.written || !k.departs || time.Since(k.departed) < seen {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	if err := k.Registrar.Leave(ctx); err != nil {
		k.Log.Warn("record cannot be taken away: it ends by itself", zap.Error(err))
		return
	}
	k.Log.Info("deregistered")
}
