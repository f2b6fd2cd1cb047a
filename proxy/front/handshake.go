// The TLS handshake with a client, and why it fails.

package front

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// handshake does the TLS handshake of a TLS connection. It reports whether it is done; if
// not, there may be a Refusal to tell the client.
func (c *Conn) handshake() bool {
	t, ok := c.Conn.Conn.(*tls.Conn)
	if !ok {
		return true
	}
	limit := c.server.Header
	if c.over != nil {
		limit = refusalTimeout
	}
	ctx, cancel := context.Background(), func() {}
	if limit > 0 {
		ctx, cancel = context.WithTimeout(ctx, limit)
	}
	defer cancel()
	err := t.HandshakeContext(ctx)
	if err == nil {
		c.Secured()
		return true
	}
	if c.state.Load() == stateClosing || c.Cut() {
		return false // our own doing
	}
	why := handshakeFailure(err)
	c.server.Metrics.HandshakeFailed(why)
	c.server.Log.Debug("TLS handshake failed", zap.Stringer("peer", c.Peer), zap.Stringer("reason", why), zap.Error(err))
	if why == metrics.HandshakePlainHTTP {
		c.refusePlain()
	}
	return false
}

// refusePlain prepares the answer to a client that speaks plain HTTP to a TLS port.
func (c *Conn) refusePlain() {
	begins, ok := c.Unseal()
	if !ok {
		return
	}
	c.take(stateActive)
	c.Arrived, c.Refusal = wire.Now(), strict.PlainToTLS
	c.glimpse(begins)
}

// handshakeFailure is why a handshake failed.
func handshakeFailure(err error) metrics.HandshakeFailure {
	if record, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		if looksLikeHTTP(record.RecordHeader[:]) {
			return metrics.HandshakePlainHTTP
		}
		return metrics.HandshakeNotTLS
	}
	op, ok := errors.AsType[*net.OpError](err)
	switch {
	case ok && op.Op == "remote error": // an alert
		return metrics.HandshakeRefused
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return metrics.HandshakeTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return metrics.HandshakeClosed
	case strings.Contains(err.Error(), "unsupported versions"): // crypto/tls has no type for it
		return metrics.HandshakeVersion
	}
	return metrics.HandshakeOther
}

// looksLikeHTTP says whether the bytes in place of a TLS record's header begin a request line.
func looksLikeHTTP(head []byte) bool {
	for _, method := range [...]string{"GET /", "HEAD ", "POST ", "PUT /", "PATCH", "DELET", "OPTIO"} {
		if string(head) == method {
			return true
		}
	}
	return false
}
