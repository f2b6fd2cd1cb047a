// Closing idle connections to make room for new ones.

package front

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// room gives new connections the places of idle ones: of those that wait for a request,
// the ones that have waited longest are closed.
type room struct {
	closing atomic.Int64 // connections closed for new ones that have not gone yet; written by CloseIdle and unevict

	mu     sync.Mutex
	next   []idleConn    // of the last search, the longest idle last
	barren time.Duration // the moment before which another search would be in vain
}

// idleConn is a connection that was idle, and since when.
type idleConn struct {
	conn  *Conn
	since time.Duration
}

const (
	// roomAtOnce is how many connections one search finds. A search looks at all
	// connections, and a flood of newcomers must not cause one for each.
	roomAtOnce = 64
	// searchAgain is how long after one that found nothing.
	searchAgain = 50 * time.Millisecond
	// leastClosing is how many connections may be above the limit in any case.
	leastClosing = 256
)

// full says whether there are too many connections, not counting those that are being
// closed for new ones.
func (s *Server) full() bool { return s.open.Load()-s.room.closing.Load() > int64(s.Connections) }

// makeRoom closes the connection that has been idle for longest, and says whether
// there was one. Until it has gone there is one connection above the limit.
func (s *Server) makeRoom() bool {
	if s.room.closing.Load() > s.maxClosing() {
		return false
	}
	return s.CloseIdle(1) > 0
}

// maxClosing is how many connections above the limit there may be, while others are
// being closed for them.
func (s *Server) maxClosing() int64 { return max(int64(s.Connections)/8, leastClosing) }

// CloseIdle closes the n connections that have waited longest for a request, and
// says how many it found. It is also called when file descriptors run out.
func (s *Server) CloseIdle(n int) (closed int) { return s.closeIdle(n, 0) }

// closeIdle is CloseIdle for connections that have waited at least that long.
func (s *Server) closeIdle(n int, least time.Duration) (closed int) {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	for closed < n {
		c := s.longestIdle(wire.Now() - least)
		if c == nil {
			return closed
		}
		c.evicted.Store(true)
		s.room.closing.Add(1)
		if c.closeIdle() {
			s.Metrics.IdleClosed()
			closed++
		} else {
			c.unevict()
		}
	}
	return closed
}

// unevict stops counting a connection as closing: it has gone, or serves a request after all.
func (c *Conn) unevict() {
	if c.evicted.Swap(false) {
		c.server.room.closing.Add(-1)
	}
}

// longestIdle is the next connection to close, idle since before then, or nil. The caller
// holds room.mu.
func (s *Server) longestIdle(then time.Duration) *Conn {
	r := &s.room
	for searched := false; ; searched = true {
		for len(r.next) > 0 {
			last := r.next[len(r.next)-1]
			if last.since > then {
				return nil
			}
			r.next = r.next[:len(r.next)-1]
			if last.conn.idleSince.Load() == int64(last.since) {
				return last.conn
			}
		}
		if searched || wire.Now() < r.barren {
			return nil
		}
		if s.search(); len(r.next) == 0 {
			r.barren = wire.Now() + searchAgain
		}
	}
}

// search fills next.
func (s *Server) search() {
	found := s.room.next[:0]
	s.each(func(c *Conn) {
		if since := c.idleSince.Load(); c.state.Load() == stateIdle {
			found = append(found, idleConn{c, time.Duration(since)})
		}
	})
	slices.SortFunc(found, func(a, b idleConn) int { return int(b.since - a.since) })
	s.room.next = slices.Clone(found[max(len(found)-roomAtOnce, 0):])
}
