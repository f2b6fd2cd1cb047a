package front

import (
	"net"
	"time"

	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// How long and how much a closing connection still takes in.
const (
	lingerTime  = time.Second
	lingerBytes = 1 << 20
)

type halfCloser interface{ CloseWrite() error }

var _ halfCloser = (*net.TCPConn)(nil)

// linger half-closes the connection and discards what still comes, until the
// client closes too: closing with unread bytes would reset the connection and
// the client could lose the answer (RFC 9112 9.6).
func (c *Conn) linger() {
	if c.gone.Load() && c.Buffered() == 0 {
		return
	}
	if h, ok := c.Conn.Conn.(halfCloser); !ok || h.CloseWrite() != nil {
		return
	}
	until := wire.Now() + lingerTime
	for read := 0; read < lingerBytes; {
		c.Drop()
		if c.Fill(until) != nil {
			return
		}
		read += c.Buffered()
	}
}
