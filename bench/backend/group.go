// Servers that run together, and end together.

package backend

import (
	"context"
	"errors"
	"sync"
)

// Group is servers that run until Stop. Its methods may be called from any goroutine, but Run not after Stop.
type Group struct {
	ctx     context.Context
	end     context.CancelFunc
	running sync.WaitGroup
	mu      sync.Mutex // guards failed, which servers write
	failed  error
}

// NewGroup returns a group without servers. It has the values of ctx but does not end with it, so that whoever stands
// before the servers can be ended first.
func NewGroup(ctx context.Context) *Group {
	g := new(Group)
	g.ctx, g.end = context.WithCancel(context.WithoutCancel(ctx))
	return g
}

// Run lets one more server run.
func (g *Group) Run(s *Server) {
	g.running.Go(func() {
		if err := s.Run(g.ctx); err != nil {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.failed = errors.Join(g.failed, err)
		}
	})
}

// Stop ends the servers, waits for them, and returns what failed in them.
func (g *Group) Stop() error {
	g.end()
	g.running.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failed
}
