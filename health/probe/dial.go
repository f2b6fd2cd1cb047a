// Connecting to a target for one probe.

package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/health/failure"
	"github.com/steelyard-proxy/steelyard/health/names"
	"github.com/steelyard-proxy/steelyard/health/shortage"
)

// dialer connects to one target, with TLS where it asks for it.
type dialer struct {
	network, address string
	where            *names.Name   // the name in address; nil: it has none
	tls              *tls.Config   // nil: plain
	timeout          time.Duration // for messages; the context brings the deadline
}

// newDialer copies the target's TLS configuration, allows HTTP/1.1 alone, and takes the server
// name from the address, or from host if the address is a path.
func newDialer(t Target, host string, timeout time.Duration) *dialer {
	d := &dialer{network: t.Network, address: t.Address, where: t.Where, timeout: timeout}
	if t.TLS == nil {
		return d
	}
	d.tls = t.TLS.Clone()
	d.tls.NextProtos = []string{"http/1.1"}
	if d.tls.ServerName == "" {
		name := t.Address
		if t.Network == "unix" {
			name = host
		}
		if h, _, err := net.SplitHostPort(name); err == nil {
			name = h
		}
		d.tls.ServerName = name
	}
	return d
}

// dial returns a new connection, ready for the first byte of a request, or the verdict that
// says why there is none.
func (d *dialer) dial(ctx context.Context) (net.Conn, *verdict) {
	conn, err := d.where.Dial(ctx, &net.Dialer{}, d.network, d.address)
	if err != nil {
		return nil, d.connectFailed(err)
	}
	if d.tls == nil {
		return conn, nil
	}
	secure := tls.Client(conn, d.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		if failure.TimedOut(err) {
			return nil, &verdict{FailedTimeout, fmt.Sprintf("tls: no handshake within %v", d.timeout)}
		}
		return nil, &verdict{FailedTLS, failure.Short("tls: " + strings.TrimPrefix(err.Error(), "tls: "))}
	}
	return secure, nil
}

// connectFailed says why a connect failed, in the words that an operator looks for.
func (d *dialer) connectFailed(err error) *verdict {
	var dns *net.DNSError
	var system *os.SyscallError
	var operation *net.OpError
	switch {
	case shortage.Is(err):
		return &verdict{Unasked, failure.Short("connect: " + err.Error())}
	case errors.As(err, &dns):
		return &verdict{FailedConnect, failure.Short(fmt.Sprintf("resolve %s: %s", dns.Name, dns.Err))}
	case failure.TimedOut(err):
		return &verdict{FailedTimeout, fmt.Sprintf("connect: no answer within %v", d.timeout)}
	case errors.As(err, &system):
		return &verdict{FailedConnect, "connect: " + system.Err.Error()}
	case errors.As(err, &operation):
		return &verdict{FailedConnect, failure.Short("connect: " + operation.Err.Error())}
	}
	return &verdict{FailedConnect, failure.Short("connect: " + err.Error())}
}
