// The loop: look at the server, announce it, hear signals.

package register

import (
	"context"
	"fmt"
	"os"
	"time"

	"go.uber.org/zap"
)

const (
	// soon is the time to the next look while the server has not answered yet, or the store is away.
	soon = time.Second
	// failuresToDepart is how many checks in a row must fail before the server is said to depart.
	failuresToDepart = 2
	// seen is how long a record must have said that its server departs before it is taken away: whoever reads it has seen it.
	seen = 5 * time.Second
	// goodbye bounds what is said to the store at the end.
	goodbye = 3 * time.Second
)

// Registrar announces a server.
type Registrar interface {
	Announce(ctx context.Context, departing bool) error
	Leave(ctx context.Context) error
	Tidy(ctx context.Context) error
	TTL() time.Duration
}

// Options say what is kept registered.
type Options struct {
	Registrar Registrar
	Check     func(context.Context) error // nil: the server is there as soon as it is started
	Command   []string                    // starts the server; none: it is started by others
	Drain     time.Duration               // from saying that it departs to stopping it
	Log       *zap.Logger
	Pass      <-chan os.Signal // passed to the server as they come; nil: none
	Stops     <-chan os.Signal // further signals to stop, after the one that ended Run's context
	First     func() os.Signal // the one that ended it
}

// Exit is the end of the server that was started.
type Exit struct{ Code int }

func (e *Exit) Error() string { return fmt.Sprintf("the server ended with exit code %d", e.Code) }

// Keeper keeps one server registered.
type Keeper struct {
	Options
	server   *server // nil: started by others
	up       bool    // it has answered its check
	failures int     // of the check, in a row
	departs  bool    // the record is to say so
	departed time.Time
	written  bool  // the record is in the store, as far as we know
	trouble  error // why the last announcement failed; nil: it did not
	tidied   bool
}

// New returns a keeper that has done nothing.
func New(o Options) *Keeper { return &Keeper{Options: o} }

// Run starts the server, if that is asked for, and keeps it registered until ctx or the server ends.
func (k *Keeper) Run(ctx context.Context) error {
	ended := make(<-chan struct{}) // of a server that is started by others it is not known
	if len(k.Command) > 0 {
		var err error
		if k.server, err = start(k.Command); err != nil {
			return fmt.Errorf("%s cannot be started: %w", k.Command[0], err)
		}
		ended = k.server.ended
		k.Log.Info("server started", zap.Int("pid", k.server.pid), zap.Strings("command", k.Command))
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return k.stop(ended)
		case <-ended:
			return k.gone()
		case s := <-k.Pass:
			k.server.signal(s)
		case <-timer.C:
			k.renew(ctx)
			timer.Reset(k.pause())
		}
	}
}

func (k *Keeper) pause() time.Duration {
	if !k.up || k.trouble != nil {
		return soon
	}
	return k.Registrar.TTL() / 3
}

// renew looks at the server and announces what it sees.
func (k *Keeper) renew(ctx context.Context) {
	k.look(ctx)
	if k.up && ctx.Err() == nil {
		k.announce(ctx)
	}
}

// look checks the server.
func (k *Keeper) look(ctx context.Context) {
	if k.Check == nil {
		k.up = true
		return
	}
	err := k.Check(ctx)
	switch {
	case ctx.Err() != nil:
	case err == nil && !k.up:
		k.up, k.failures = true, 0
		k.Log.Info("server answers its check")
	case err == nil:
		if k.failures = 0; k.departs {
			k.departs = false
			k.Log.Info("server answers its check again")
		}
	case !k.up:
		if k.failures++; k.failures == failuresToDepart {
			k.Log.Info("server does not answer its check yet", zap.Error(err))
		}
	default:
		if k.failures++; k.failures == failuresToDepart {
			k.departs, k.departed = true, time.Now()
			k.Log.Warn("server fails its check: gateways are told that it departs", zap.Error(err))
		}
	}
}

// announce writes the record, and tells when that begins or ceases to work.
func (k *Keeper) announce(ctx context.Context) {
	err := k.Registrar.Announce(ctx, k.departs)
	switch {
	case err == nil && !k.written:
		k.Log.Info("registered", zap.Bool("departing", k.departs), zap.Duration("ttl", k.Registrar.TTL()))
	case err == nil && k.trouble != nil:
		k.Log.Info("registered again")
	case err != nil && ctx.Err() != nil:
		return
	case err != nil && (k.trouble == nil || k.trouble.Error() != err.Error()):
		k.Log.Warn("server cannot be registered: it is tried again", zap.Error(err))
	}
	k.trouble = err
	k.written = k.written || err == nil
	if err == nil && !k.tidied {
		k.tidied = true
		_ = k.Registrar.Tidy(ctx) // the next one that starts does it
	}
}
