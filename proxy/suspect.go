// Requests that endpoints may die of.

package proxy

import (
	"hash/maphash"

	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/retry"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// seed makes hashes of bodies, so that nobody can choose two bodies of one hash.
var seed = maphash.MakeSeed()

// fingerprint is what stands for the request's body; ok is false where it has none, or none that is held whole.
// It must be taken before the commit ends, and is kept then. It costs a look at the whole body (0.1 µs for
// each KiB), so that of an answer that is no stream it is taken only where an endpoint has broken off lately.
func (x *exchange) fingerprint() (body retry.Body, ok bool) {
	if x.body.Size == 0 && x.held.whole && x.held.n > 0 && x.conn.Request != nil {
		var h maphash.Hash
		h.SetSeed(seed)
		_, _ = h.Write(x.conn.Request.Path)
		_ = h.WriteByte(0)
		for piece := range x.held.pieces {
			_, _ = h.Write(piece)
		}
		x.body = retry.Body{Hash: h.Sum64(), Size: x.held.n}
	}
	return x.body, x.body.Size > 0
}

// watch takes the fingerprint where somebody will want to compare it.
func (x *exchange) watch() bool {
	if !x.upstream.Suspects.Watches(x.held.n) {
		return false
	}
	_, ok := x.fingerprint()
	return ok
}

// mark takes the fingerprint at the commit, after which the body is gone: where somebody will want to compare it,
// and of every stream. A server that dies in the midst of one is not asked again by us, but by the client.
func (x *exchange) mark() {
	if !x.watch() && x.upstream.Suspects != nil && x.reply.tail.stream == serverSent {
		x.fingerprint()
	}
}

// refusePoison is the error of a request that two endpoints broke off over.
func (x *exchange) refusePoison() error {
	if x.watch() && x.upstream.Suspects.Poisonous(wire.Now(), x.body) {
		return fault.New(fault.Poisoned, nil).Unsent()
	}
	return nil
}

// suspect notes that the endpoint of an attempt broke off over the request, and reports whether that
// is enough: then it goes nowhere any more.
func (x *exchange) suspect(a *attempt) (enough bool) {
	if x.upstream.Suspects == nil || a.target == nil {
		return false
	}
	body, ok := x.fingerprint()
	if !ok {
		return false
	}
	found := x.upstream.Suspects.Broke(wire.Now(), a.dispatched, body, a.target.Name)
	if found != nil && x.upstream.Poisoned != nil {
		x.upstream.Poisoned(*found, string(x.requestID()))
	}
	return found != nil
}

// absolve notes that the request was answered whole, if it has been compared before.
func (x *exchange) absolve() {
	if x.body.Size > 0 {
		x.upstream.Suspects.Answered(wire.Now(), x.body)
	}
}
