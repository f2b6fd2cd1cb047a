// The TLS handshake with a client, and why it fails.

package front

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
)

// handshake does the TLS handshake of a TLS connection. It reports whether the client
// can be served or refused.
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
		c.answerPlain()
	}
	return false
}

// plainAnswer is the refusal as bytes, since it is sent past TLS.
var plainAnswer = func() []byte {
	r := strict.PlainToTLS
	body := fmt.Sprintf(`{"error": {"message": %q, "type": "invalid_request_error", "param": null, "code": %q}}`, r.Reason, r.Code)
	return fmt.Appendf(nil, "HTTP/1.1 %d Bad Request\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		r.Status, len(body), body)
}()

// answerPlain answers a client that speaks plain HTTP to a TLS port, past TLS. Then it
// discards what the client still sends for a moment, as linger does.
func (c *Conn) answerPlain() {
	_ = c.socket.SetDeadline(time.Now().Add(lingerBrief))
	if _, err := c.socket.Write(plainAnswer); err != nil {
		return
	}
	if h, ok := c.socket.(halfCloser); ok && h.CloseWrite() == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(c.socket, drainBytes))
	}
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
