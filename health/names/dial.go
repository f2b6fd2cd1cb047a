// Connecting to the addresses of a name, in turn.

package names

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"time"
)

// Dial connects to the name's server; address must have the host of Options.Address. It tries the
// known addresses in order, and gives each an equal part of the time that is left. What fails at
// another port than that of Options.Address says nothing of the server.
func (n *Name) Dial(ctx context.Context, d *net.Dialer, network, address string) (net.Conn, error) {
	if n == nil {
		return d.DialContext(ctx, network, address)
	}
	order, err := n.addresses(ctx)
	if err != nil {
		return nil, err
	}
	port := n.port
	if _, other, err := net.SplitHostPort(address); err == nil {
		port = other
	}
	var first error
	for i, to := range order {
		c, err := n.try(ctx, d, network, net.JoinHostPort(to.String(), port), len(order)-i)
		if err == nil {
			return c, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
		if len(order) > 1 && port == n.port {
			n.putBehind(to)
		}
	}
	if port == n.port {
		n.Doubt()
	}
	return nil, first
}

// addresses returns the addresses to dial. It waits for the first look-up, and for no later one.
func (n *Name) addresses(ctx context.Context) ([]netip.Addr, error) {
	k := n.known.Load()
	if k == nil {
		select {
		case <-n.first:
			k = n.known.Load()
		case <-ctx.Done():
			return nil, &net.DNSError{UnwrapErr: ctx.Err(), Err: "no answer yet", Name: n.host, IsTimeout: true}
		}
	}
	return k.order, k.err
}

func (n *Name) try(ctx context.Context, d *net.Dialer, network, to string, left int) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
		defer cancel()
	}
	return d.DialContext(ctx, network, to)
}

// putBehind puts an address that could not be reached behind the others for a while: each
// attempt that waits for it in vain has less time left for the others.
func (n *Name) putBehind(a netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ill[a] = time.Now()
	k := *n.known.Load()
	k.order = n.illLast(k.order)
	n.known.Store(&k)
}

// illLast returns the order with the addresses that could not be reached at its end, the one
// that failed longest ago first. The caller holds mu.
func (n *Name) illLast(order []netip.Addr) []netip.Addr {
	order = slices.Clone(order)
	slices.SortStableFunc(order, func(a, b netip.Addr) int { return n.ill[a].Compare(n.ill[b]) })
	return order
}
