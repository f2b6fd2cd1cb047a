package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

var dialer net.Dialer

// dialing is a dial under way, as something that a Cancel can end.
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
	nc, err := p.connect(ctx)
	if cause := cancel.Unbind(); cause != nil {
		if err == nil {
			_ = nc.Close()
		}
		return nil, cause
	}
	if err == nil {
		return newConn(p, nc), nil
	}
	// The dialer's own timer may strike a moment before ctx's.
	if netErr, ok := errors.AsType[net.Error](err); ok && netErr.Timeout() || ctx.Err() != nil {
		return nil, fault.New(fault.ConnectTimeout, nil).Unsent()
	}
	return nil, fault.New(fault.Connect, err).Unsent()
}

func (p *Pool) connect(ctx context.Context) (net.Conn, error) {
	nc, err := dialer.DialContext(ctx, p.options.Network, p.options.Address)
	if err != nil || p.options.TLS == nil {
		return nc, err
	}
	t := tls.Client(nc, p.options.TLS)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, err
	}
	return t, nil
}
