// Opening a connection to an endpoint.

package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/steelyard-proxy/steelyard/health/shortage"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// dialing is a dial under way, which a Cancel can end.
type dialing struct{ cancel context.CancelFunc }

func (d dialing) Poke() { d.cancel() }

// dial opens a connection, TLS included, within the connect timeout.
func (p *Pool) dial(cancel *wire.Cancel) (*Conn, error) {
	ctx, stop := context.WithCancel(context.Background())
	if p.options.Connect > 0 {
		stop()
		ctx, stop = context.WithTimeout(context.Background(), p.options.Connect)
	}
	defer stop()
	if err := cancel.Bind(dialing{stop}); err != nil {
		return nil, err
	}
	nc, roundTrip, err := p.connect(ctx)
	if p.options.Short != nil && shortage.Is(err) {
		p.options.Short()
		nc, roundTrip, err = p.connect(ctx)
	}
	if cause := cancel.Unbind(); cause != nil {
		if err == nil {
			_ = nc.Close()
		}
		return nil, cause
	}
	if err == nil {
		c := newConn(p, nc)
		c.roundTrip = roundTrip
		return c, nil
	}
	// The dialer's own timer may strike a moment before ctx's. A look-up has its own time.
	_, unknown := errors.AsType[*net.DNSError](err)
	if netErr, ok := errors.AsType[net.Error](err); ok && netErr.Timeout() && !unknown || ctx.Err() != nil {
		return nil, fault.New(fault.ConnectTimeout, nil).Unsent()
	}
	kind := fault.Connect
	if shortage.Is(err) {
		kind = fault.Shortage
	}
	return nil, fault.New(kind, err).Unsent()
}

// connect also measures a round trip to the endpoint: a successful connect takes one.
func (p *Pool) connect(ctx context.Context) (_ net.Conn, roundTrip time.Duration, _ error) {
	var begin atomic.Int64 // when the last address was tried
	dialer := net.Dialer{Control: func(string, string, syscall.RawConn) error {
		begin.Store(int64(wire.Now()))
		return nil
	}}
	nc, err := p.options.Where.Dial(ctx, &dialer, p.options.Network, p.options.Address)
	roundTrip = wire.Now() - time.Duration(begin.Load())
	if err != nil || p.options.TLS == nil {
		return nc, roundTrip, err
	}
	t := tls.Client(wire.NewSeal(nc), p.options.TLS)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, 0, fmt.Errorf("%w: %w", fault.ErrHandshake, err)
	}
	return t, roundTrip, nil
}
