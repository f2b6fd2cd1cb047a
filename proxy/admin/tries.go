// Slowing down who guesses tokens.

package admin

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Bounds on wrong tokens.
const (
	freeTries   = 10               // wrong tokens of one address, before it must wait
	tryEvery    = 10 * time.Second // for one more
	mostTriers  = 1024             // addresses that are remembered
	networkBits = 64               // of IPv6: who has one address has all of its network
)

// tries counts the wrong tokens of each address.
type tries struct {
	mu     sync.Mutex // guards of
	byPeer map[netip.Prefix]*guesses
}

// guesses are those of one address. Each is forgotten after tryEvery.
type guesses struct {
	wrong float64
	at    time.Time
}

func newTries() *tries { return &tries{byPeer: map[netip.Prefix]*guesses{}} }

// wait is how long an address must wait; 0 if it may try now.
func (t *tries) wait(from netip.Prefix, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := t.byPeer[from]
	if g == nil {
		return 0
	}
	g.forget(now)
	return max(0, time.Duration((g.wrong-freeTries+1)*float64(tryEvery)))
}

// failed counts one wrong token.
func (t *tries) failed(from netip.Prefix, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := t.byPeer[from]
	if g == nil {
		t.makeRoom(now)
		g = &guesses{at: now}
		t.byPeer[from] = g
	}
	g.forget(now)
	g.wrong++
}

func (g *guesses) forget(now time.Time) {
	g.wrong = max(0, g.wrong-float64(now.Sub(g.at))/float64(tryEvery))
	g.at = now
}

// makeRoom forgets those with nothing left to wait for, or the least guilty one. The caller holds mu.
func (t *tries) makeRoom(now time.Time) {
	if len(t.byPeer) < mostTriers {
		return
	}
	var least netip.Prefix
	fewest := -1.0
	for from, g := range t.byPeer {
		if g.forget(now); g.wrong == 0 {
			delete(t.byPeer, from)
		} else if fewest < 0 || g.wrong < fewest {
			least, fewest = from, g.wrong
		}
	}
	if len(t.byPeer) >= mostTriers {
		delete(t.byPeer, least)
	}
}

// clientOf is where a request comes from: an address, or a network of IPv6. All who come through
// a unix socket are one.
func clientOf(r *http.Request) netip.Prefix {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	address = address.Unmap().WithZone("")
	bits := address.BitLen()
	if address.Is6() {
		bits = networkBits
	}
	network, err := address.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}
