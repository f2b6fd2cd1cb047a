// Long-lived goroutines that end together.

package app

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// group runs long-lived things until its context ends. The error of the first one
// that fails is sent on failed.
type group struct {
	ctx    context.Context
	wg     sync.WaitGroup
	failed chan error // holds one; written by start
}

func newGroup(ctx context.Context) *group {
	return &group{ctx: ctx, failed: make(chan error, 1)}
}

// start runs f on a goroutine of its own.
func (g *group) start(what string, f func(context.Context) error) {
	g.startWith(g.ctx, what, f)
}

// startWith is start with a context of its own, which may end before the group's.
func (g *group) startWith(ctx context.Context, what string, f func(context.Context) error) {
	g.wg.Go(func() {
		if err := f(ctx); err != nil {
			select {
			case g.failed <- fmt.Errorf("%s: %w", what, err):
			default:
			}
		}
	})
}

// startUntil is start for something that ends when cancel is called, or with the group.
func (g *group) startUntil(what string, f func(context.Context) error) (cancel context.CancelFunc) {
	ctx, cancel := context.WithCancel(g.ctx)
	g.startWith(ctx, what, f)
	return cancel
}

func (g *group) wait() { g.wg.Wait() }

// every calls f each d until ctx ends. It fails never.
func every(ctx context.Context, d time.Duration, f func(now time.Time)) error {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			f(now)
		}
	}
}
