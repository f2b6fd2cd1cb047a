// Closing a connection so that the client does not lose the answer.

package front

import (
	"errors"
	"net"
	"time"

	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// How long and how much a closing connection still reads.
const (
	lastLook    = 10 * time.Millisecond // for a request, where a shutdown finds none
	lingerBrief = time.Second           // from a client that has said all it wanted to, and while shutting down
	lingerPause = 5 * time.Second
	lingerTime  = 30 * time.Second
	lingerBytes = 1 << 30
	lingerEmpty = 64 << 10 // of a client that sends only empty lines
	// maxLingering is how many connections at once may linger for longer than
	// lingerBrief; but at most a quarter of the limit on connections may.
	maxLingering = 1024
)

type halfCloser interface{ CloseWrite() error }

var _ halfCloser = (*net.TCPConn)(nil)

// linger half-closes the connection and discards what still comes, until the
// client closes too: closing with unread bytes would reset the connection, and
// the client could lose the answer (RFC 9112 9.6).
func (c *Conn) linger() {
	if c.gone.Load() && c.Buffered() == 0 {
		return
	}
	half := c.Conn.Conn
	if c.Refusal == strict.PlainToTLS {
		half = c.socket
	}
	if h, ok := half.(halfCloser); !ok || h.CloseWrite() != nil {
		return
	}
	s, pause, end, most := c.server, lingerBrief, wire.Now()+lingerBrief, lingerBytes
	if c.Refusal == strict.EmptyLines {
		most = lingerEmpty
	}
	if n := s.lingering.Add(1); c.unheard() && n <= s.maxLingering() {
		pause, end = lingerPause, wire.Now()+lingerTime
	}
	defer s.lingering.Add(-1)
	silent := wire.Now() + pause
	for read, stopping := 0, false; read < most; {
		if !stopping && s.stopping.Load() {
			stopping, end = true, min(end, wire.Now()+lingerBrief)
		}
		c.Drop()
		err := c.Fill(min(silent, end, wire.Now()+lingerBrief)) // so that a shutdown is seen
		switch now := wire.Now(); {
		case err == nil:
			read += c.Buffered()
			silent = now + pause
		case !errors.Is(err, wire.ErrTimeout) || now >= silent || now >= end:
			return
		}
		if wire.Now() >= end {
			return
		}
	}
}

// unheard says whether the client is still sending a request, and is not too slow
// in it.
func (c *Conn) unheard() bool {
	switch {
	case c.over != nil, c.Refusal == strict.HeaderTimeout, c.Refusal == strict.EmptyLines, c.Refusal == strict.PlainToTLS, errors.Is(c.body.err, strict.BodyTimeout), errors.Is(c.body.err, strict.BodyTooSlow):
		return false
	case c.Refusal != nil:
		return true
	}
	return !c.body.ended()
}

func (s *Server) maxLingering() int64 {
	if s.Connections > 0 {
		return min(maxLingering, int64(s.Connections)/4)
	}
	return maxLingering
}
