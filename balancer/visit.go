// Requests as their servers keep count of them, for policies that want that.

package balancer

import (
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/cost"
)

// taken is an endpoint with a request counted in flight there, which is not a lease yet.
type taken struct {
	endpoint *Endpoint
	shared   *leaseShared // whose visit the server keeps count of; nil: of none
}

// visit lets the server of the seat keep count of a request that was given to it, and the policy, where they want that.
func (s *seats) visit(i int, r *Request) (t taken) {
	t.endpoint = s.endpoints[i]
	if s.guard.taker != nil {
		s.guard.took(i)
	}
	if s.parts != nil {
		t.shared = t.endpoint.visit(r.prompt(), cost.Place{Capacity: s.parts[i]})
	}
	return t
}

// visit is the rest of seats.visit.
func (e *Endpoint) visit(p *Prompt, at cost.Place) *leaseShared {
	if p == nil {
		p = &noPrompt
	}
	at.Waiting, at.Running = e.load.Foreign()
	shared, server := leasePool.Get().(*leaseShared), e.load.server
	server.Lock()
	defer server.Unlock()
	server.Send(&shared.visit, &e.pool.learned, p, at, e.pool.queue.now())
	return shared
}

var noPrompt Prompt // never written

// leave ends what visit began. Nobody may use shared afterwards but its next lease.
func (e *Endpoint) leave(shared *leaseShared, answered bool, u Usage) {
	server := e.load.server
	server.Lock()
	defer server.Unlock()
	server.End(&shared.visit, answered, u, e.pool.queue.now())
}

// giveBack ends a visit of which nothing came.
func (t taken) giveBack() {
	if t.shared != nil {
		t.endpoint.leave(t.shared, false, Usage{})
		leasePool.Put(t.shared)
	}
}

// Follows reports whether the policy wants to hear of the tokens of the answer. Ask once, and not
// for each of them.
func (l Lease) Follows() bool { return l.follows }

// Token says that n events of the answer have come, each of which is a token or a few of them. The
// first call says that there is a first one. It allocates nothing, and does nothing where the policy
// does not want to know. It is for one goroutine at a time; Release may come from another.
func (l Lease) Token(n int) {
	if !l.follows {
		return
	}
	if l.token(n) {
		l.endpoint.load.tell(nil) // who waits until the server has less to read
	}
}

// Blocked says that the client took nothing of the answer for so long, before the events come that Token tells of next: that
// says nothing of the server. It is called as Token is, and likewise does nothing where the policy does not want to know.
func (l Lease) Blocked(d time.Duration) {
	if !l.follows {
		return
	}
	e := l.endpoint
	server := e.load.server
	server.Lock()
	defer server.Unlock()
	if l.shared.number.Load() == l.number {
		server.Blocked(&l.shared.visit, d, e.pool.queue.now())
	}
}

// token is Token under the server's lock. It reports whether by that a prompt is known to have been read.
func (l Lease) token(n int) (read bool) {
	e := l.endpoint
	server := e.load.server
	server.Lock()
	defer server.Unlock()
	if l.shared.number.Load() != l.number { // else Release waits for the lock, if it has begun
		return false
	}
	return server.Token(&l.shared.visit, n, e.pool.queue.now())
}
