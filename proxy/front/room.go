// Closing idle connections to make room for new ones.

package front

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// room gives new connections the places of idle ones: of those that wait for a request, or
// for the rest of its head, the ones that have waited longest are closed.
type room struct {
	closing atomic.Int64 // connections closed for new ones that have not gone yet; written by CloseIdle and unevict
	heads   atomic.Int64 // connections that waited for the rest of a head; written by search

	mu     sync.Mutex
	next   []idleConn    // of the last search, the longest idle last
	barren time.Duration // the moment before which another search would be in vain
}

// idleConn is a connection that waits, and since when.
type idleConn struct {
	conn  *Conn
	since time.Duration
	head  bool // for the rest of a head, and not for a request
}

// waits says whether it still does.
func (i idleConn) waits() bool {
	if i.head {
		return i.conn.headSince.Load() == int64(i.since)
	}
	return i.conn.idleSince.Load() == int64(i.since)
}

// close closes it, if it still waits, and says whether it did.
func (i idleConn) close() bool {
	if i.head {
		return i.conn.closeSlow(int64(i.since))
	}
	return i.conn.closeIdle()
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

// CloseIdle closes the n connections that have waited longest for a request, or for a
// second at least for the rest of its head, and says how many it found. It is also
// called when file descriptors run out.
func (s *Server) CloseIdle(n int) (closed int) { return s.closeIdle(n, 0) }

// closeIdle is CloseIdle for connections that have waited at least that long.
func (s *Server) closeIdle(n int, least time.Duration) (closed int) {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	for closed < n {
		longest, found := s.longestIdle(wire.Now() - least)
		if !found {
			return closed
		}
		longest.conn.evicted.Store(true)
		s.room.closing.Add(1)
		if longest.close() {
			s.Metrics.IdleClosed()
			closed++
		} else {
			longest.conn.unevict()
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

// longestIdle is the next connection to close, if one has waited since before then. The
// caller holds room.mu.
func (s *Server) longestIdle(then time.Duration) (longest idleConn, found bool) {
	r := &s.room
	for searched := false; ; searched = true {
		for len(r.next) > 0 {
			longest = r.next[len(r.next)-1]
			if longest.since > then {
				return longest, false
			}
			r.next = r.next[:len(r.next)-1]
			if longest.waits() {
				return longest, true
			}
		}
		if searched || wire.Now() < r.barren {
			return longest, false
		}
		if s.search(); len(r.next) == 0 {
			r.barren = wire.Now() + searchAgain
		}
	}
}

// search fills next.
func (s *Server) search() {
	found, heads, slow := s.room.next[:0], int64(0), wire.Now()-newcomerTime
	s.each(func(c *Conn) {
		if since := c.idleSince.Load(); c.state.Load() == stateIdle {
			found = append(found, idleConn{c, time.Duration(since), false})
		}
		since := time.Duration(c.headSince.Load())
		if since > 0 {
			heads++
		}
		if since > 0 && since <= slow {
			found = append(found, idleConn{c, since, true})
		}
	})
	s.room.heads.Store(heads)
	slices.SortFunc(found, func(a, b idleConn) int { return int(b.since - a.since) })
	s.room.next = slices.Clone(found[max(len(found)-roomAtOnce, 0):])
}
