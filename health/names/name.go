// The name of a server, and what is known of it.

package names

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Lookup returns the addresses of a host.
type Lookup func(ctx context.Context, host string) ([]netip.Addr, error)

// Options describe a name.
type Options struct {
	Address            string       // host:port
	Upstream, Endpoint string       // for the log
	Lookup             Lookup       // nil: by the system
	Observe            func(Result) // told of every look-up; nil: nobody is
	Log                *zap.Logger  // nil: no log
}

// Result is how a look-up ended.
type Result uint8

// The results.
const (
	Found    Result = iota
	NotFound        // the name does not exist, or has no address
	Failed          // no name server said anything of the name
)

// Name is the name of one server. All methods are safe for concurrent use, and may be called
// on nil, which stands for a server without a name.
type Name struct {
	options    Options
	host, port string

	known   atomic.Pointer[known] // nil before the first look-up has ended; written under mu
	first   chan struct{}         // closed by Run when the first look-up has ended
	doubted chan struct{}         // holds one; written by Doubt, read by Run

	mu  sync.Mutex
	ill map[netip.Addr]time.Time // when an address last could not be reached; guarded by mu

	// These belong to Run.
	answers [][]netip.Addr // the last ones, the newest last
	missing time.Time      // since when name servers say that there is no such name; zero: they do not
	failing time.Time      // since when look-ups fail; zero: they do not
}

// known is what is known of a name.
type known struct {
	order []netip.Addr // the addresses of the newest answer, in the order to dial them
	kept  []netip.Addr // the addresses of all answers, without zones, for Leads
	err   error        // why there is no address
}

// New returns the name in o.Address, or nil if that is an IP address or a path.
func New(o Options) *Name {
	host, port, err := net.SplitHostPort(o.Address)
	if err != nil {
		return nil
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	if o.Lookup == nil {
		o.Lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if o.Observe == nil {
		o.Observe = func(Result) {}
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	return &Name{
		options: o, host: host, port: port, first: make(chan struct{}), doubted: make(chan struct{}, 1),
		ill: map[netip.Addr]time.Time{},
	}
}

// Leads says whether the name may still lead to the address of a connection's peer. It is true
// for a peer whose address is not known.
func (n *Name) Leads(to netip.Addr) bool {
	if n == nil || !to.IsValid() {
		return true
	}
	k := n.known.Load()
	return k == nil || slices.Contains(k.kept, plain(to))
}

// plain returns an address in the form that Leads compares.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// Doubt asks for a look-up soon: the server seems not to be where it was.
func (n *Name) Doubt() {
	if n == nil {
		return
	}
	select {
	case n.doubted <- struct{}{}:
	default: // it is asked for already
	}
}
