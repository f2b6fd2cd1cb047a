// Leaving the listeners to another process, and serving the connections we have to their end.

package front

import (
	"context"
	"time"

	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// usualPatience is how long an idle connection may wait for one more request when another
// process has taken over. Most clients that use it again do so within it, and none of these
// finds it closed.
const usualPatience = 10 * time.Second

// retireTick is between two looks at the connections that are left.
const retireTick = 50 * time.Millisecond

// Retire closes our listeners, on whose sockets another process accepts now, and waits until the last connection
// has gone, or ctx ends. The next answer on each connection says that it is the last. One that waits for a
// request longer than Patience is closed, after a last look for one. Unix sockets keep their files. Call Shutdown afterwards.
func (s *Server) Retire(ctx context.Context) {
	s.retiring.Store(true)
	s.mu.Lock()
	for _, ln := range s.listeners {
		KeepFile(ln)
		_ = ln.Close()
	}
	s.mu.Unlock()
	patience := s.Patience
	if patience == 0 {
		patience = usualPatience
	}
	tick := time.NewTicker(retireTick)
	defer tick.Stop()
	for left := 1; left > 0; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		left = int(s.serving.Load()) // a connection that was accepted a moment ago is not tracked yet
		s.each(func(c *Conn) {
			left++
			if wire.Now()-time.Duration(c.idleSince.Load()) > patience {
				c.closeIdle()
			}
		})
	}
}
