// What one client address holds, and how slow it may be.

package front

import (
	"net/netip"
	"sync/atomic"
	"time"
)

// Client counts what all connections of one address hold together. The address is
// that of the socket: behind another proxy all clients are one.
type Client struct {
	address     netip.Addr
	connections int // guarded by the server's mu

	// Written by the exchanges of all its connections.
	Requests Tally // that wait for a slot or have one
	Waiting  Tally // that wait for a slot
	Body     Tally // bytes of bodies held
}

// Tally counts what is held. Safe for concurrent use.
type Tally struct{ n atomic.Int64 }

// Take adds n, unless that would be more than limit; 0 is no limit.
func (t *Tally) Take(n, limit int64) bool {
	if t.n.Add(n) > limit && limit > 0 {
		t.n.Add(-n)
		return false
	}
	return true
}

// Give takes n back.
func (t *Tally) Give(n int64) { t.n.Add(-n) }

// clientOf is the address that bounds apply to: for IPv6 its network of 64 bits, in
// which a host can have as many addresses as it likes.
func clientOf(peer netip.Addr) netip.Addr {
	if peer.Is6() {
		if network, err := peer.WithZone("").Prefix(64); err == nil {
			return network.Addr()
		}
	}
	return peer
}

// enter counts c for its address, and says whether the address may have another
// connection. The caller holds mu.
func (s *Server) enter(c *Conn) bool {
	if !c.Peer.IsValid() {
		return true
	}
	address := clientOf(c.Peer)
	client := s.clients[address]
	if client == nil {
		client = &Client{address: address}
		s.clients[address] = client
	}
	client.connections++
	c.Client = client
	return s.OfClient == 0 || client.connections <= s.OfClient
}

// depart undoes enter. The caller holds mu.
func (s *Server) depart(c *Conn) {
	if c.Client == nil {
		return
	}
	if c.Client.connections--; c.Client.connections == 0 {
		delete(s.clients, c.Client.address)
	}
}

// How far a client may fall behind its least speed while an endpoint keeps a slot for it. An
// endpoint begins with a whole body only, so that a client which sends late has cost it
// nothing but the slot. One that takes its answer late is cut from work that has been done,
// and there are real pauses that long, as when a telephone goes from one network to another.
const (
	SendLag = 2 * time.Second
	TakeLag = 10 * time.Second
)

// calmWindow is the same while no slot is kept for it, if no time-out says how long.
const calmWindow = time.Minute

// beginPace sets the paces for a new request.
func (c *Conn) beginPace() {
	c.sending.Begin(c.server.SendRate, window(c.server.Body))
	c.calm()
}

func (c *Conn) calm() { c.Pace.Begin(c.server.ReadRate, window(c.server.ClientStall)) }

func window(silence time.Duration) time.Duration {
	if silence == 0 {
		return calmWindow
	}
	return silence
}

// Hurry says that an endpoint keeps a slot for the client from now on, so that it may
// not fall far behind, or (false) keeps none any more. Nothing may be read or sent
// meanwhile.
func (c *Conn) Hurry(on bool) {
	if on {
		c.sending.Narrow(c.server.SendLag)
		c.Pace.Narrow(c.server.TakeLag)
	} else {
		c.calm()
	}
}
