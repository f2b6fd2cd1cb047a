package transport

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
)

// Lookup returns the addresses of a host.
type Lookup func(ctx context.Context, host string) ([]netip.Addr, error)

// lookUpEvery is how often an endpoint's name is looked up. lastLookUps is in how many of them
// an address is to be missing before it counts as gone: where a name has many addresses, a
// name server may give some of them in turn.
const (
	lookUpEvery = 5 * time.Second
	lastLookUps = 3
)

// names knows where an endpoint's name leads, away from requests: to what addresses
// connections may be kept. New ones look the name up by themselves.
type names struct {
	host    string // empty where there is no name to look up
	lookup  Lookup
	answers [][]netip.Addr               // the last ones, the newest last; belongs to run
	current atomic.Pointer[[]netip.Addr] // all that is in answers; nil while nothing is known; written by look
}

func newNames(o Options) *names {
	n := &names{lookup: o.Lookup}
	if n.lookup == nil {
		n.lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	host, _, err := net.SplitHostPort(o.Address)
	if _, notName := netip.ParseAddr(host); o.Network == "tcp" && err == nil && notName != nil {
		n.host = host
	}
	return n
}

// run looks the name up until ctx ends.
func (n *names) run(ctx context.Context) {
	if n.host == "" {
		return
	}
	tick := time.NewTicker(lookUpEvery)
	defer tick.Stop()
	for {
		n.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look looks the name up once. Where that fails, what is known stays.
func (n *names) look(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, lookUpEvery)
	defer cancel()
	found, err := n.lookup(limited, n.host)
	if err != nil || len(found) == 0 {
		return
	}
	n.answers = append(n.answers, found)
	n.answers = n.answers[max(len(n.answers)-lastLookUps, 0):]
	var current []netip.Addr
	for _, answer := range n.answers {
		for _, address := range answer {
			if address = plainAddress(address); !slices.Contains(current, address) {
				current = append(current, address)
			}
		}
	}
	n.current.Store(&current)
}

// lead says whether the name may still lead to the address.
func (n *names) lead(to netip.Addr) bool {
	current := n.current.Load()
	return current == nil || !to.IsValid() || slices.Contains(*current, to)
}

// plainAddress is an address as names compares them.
func plainAddress(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
