// Calling the policy so that its panic costs one request and no more.

package balancer

import (
	"fmt"
	"runtime/debug"
	"slices"
)

// guard calls the picker, and keeps its panics. Whoever tells a policy of a change may be a
// timer, or a request of another pool, and must not pay for its bugs. So a panic is kept, and
// costs one request of the pool: its goroutine panics, once it has let the locks go. Guarded
// by Pool.pick once its snapshot is in force.
type guard struct {
	picker  Picker
	counter Counter // the picker, where it goes by the work in flight; else nil
	taker   Taker   // the picker, while it wants to know what was given; else nil
	noter   Noter   // the picker, where it has something to say; else nil
	binder  Binder  // the picker, where it can say who had better wait; else nil
	panic   *policyPanic
}

// policyPanic is a panic of a policy on its way to the request that it costs.
type policyPanic struct {
	cause any
	stack []byte // nil for a fault that we saw ourselves
}

// Error implements error: within the pool a panic travels as one.
func (p *policyPanic) Error() string { return fmt.Sprint(p.value()) }

// value is what the request's goroutine panics with.
func (p *policyPanic) value() any {
	if p.stack == nil {
		return p.cause
	}
	return fmt.Sprintf("%v\n\nin the policy:\n%s", p.cause, p.stack)
}

// raise panics if the error is a policy's panic. The caller holds no lock.
func raise(err error) {
	if p, ok := err.(*policyPanic); ok {
		panic(p.value())
	}
}

// build compiles the policy.
func (g *guard) build(b Builder, candidates []Candidate) {
	defer g.catch()
	g.picker = b.Build(candidates)
	g.counter, _ = g.picker.(Counter)
	if slices.ContainsFunc(candidates, func(c Candidate) bool { return c.Whole > 0 }) {
		g.taker, _ = g.picker.(Taker)
	}
	g.noter, _ = g.picker.(Noter)
	g.binder, _ = g.picker.(Binder)
}

// inherit lets the picker take over from the one before, which may be nil.
func (g *guard) inherit(before *guard) {
	defer g.catch()
	var predecessor Picker
	if before != nil {
		predecessor = before.picker
	}
	g.picker.Inherit(predecessor)
}

// pick asks the picker for a seat. While a panic is kept there is none. A panic of Pick itself
// is not kept: it costs the request that Pick was asked about, whose goroutine this is. For
// those who wait there is offer. To recover here would make each pick a tenth slower.
func (g *guard) pick(r *Request) (i int, ok bool) {
	if g.panic != nil {
		return 0, false
	}
	return g.picker.Pick(r)
}

func (g *guard) open(i int, open bool) {
	defer g.catch()
	g.picker.Open(i, open)
}

// count is for guards that have a counter.
func (g *guard) count(i int, inFlight int64) {
	defer g.catch()
	g.counter.Count(i, inFlight)
}

// took is for guards that have a taker.
func (g *guard) took(i int) {
	defer g.catch()
	g.taker.Took(i)
}

// offer is take for one who waits: a panic costs that one, and not whoever freed the slot.
func (s *seats) offer(r *Request) (t taken, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			s.guard.keep(cause)
			t, err = taken{}, s.guard.failure()
		}
	}()
	return s.take(r, true)
}

// catch is deferred, and keeps the first panic until failure.
func (g *guard) catch() {
	if cause := recover(); cause != nil {
		g.keep(cause)
	}
}

func (g *guard) keep(cause any) {
	if g.panic == nil {
		g.panic = &policyPanic{cause: cause, stack: debug.Stack()}
	}
}

// accuse keeps a fault that we saw ourselves, as if the policy had panicked.
func (g *guard) accuse(format string, args ...any) {
	if g.panic == nil {
		g.panic = &policyPanic{cause: fmt.Sprintf(format, args...)}
	}
}

// failure returns the panic that was kept, and forgets it; nil where there is none.
func (g *guard) failure() error {
	if g.panic == nil {
		return nil
	}
	p := g.panic
	g.panic = nil
	return p
}
