// The look-ups of a name: when, and what their answers change.

package names

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"go.uber.org/zap"
)

const (
	// every is the time from one look-up to the next; soon is that time while something is in doubt.
	every, soon = 5 * time.Second, time.Second
	// longest bounds one look-up. The system's resolver gives up sooner: by default it asks
	// each of three name servers twice, for 5 s.
	longest = 30 * time.Second
	// lastAnswers is how many answers in a row must lack an address before it counts as gone.
	lastAnswers = 3
	// hold is for how long a name must be missing before its addresses are given up.
	hold = 30 * time.Second
	// illFor is for how long an address that could not be reached is tried after the others.
	illFor = time.Minute
)

// Run looks the name up until ctx ends.
func (n *Name) Run(ctx context.Context) error {
	if n == nil {
		return nil
	}
	for {
		select {
		case <-n.doubted: // this look-up is what it asks for
		default:
		}
		settled := n.look(ctx)
		if !sleep(ctx, soon, nil) {
			return nil
		}
		if settled && !sleep(ctx, every-soon, n.doubted) {
			return nil
		}
	}
}

// sleep waits for a time, or until woken. It returns false when ctx has ended.
func sleep(ctx context.Context, d time.Duration, woken <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-woken:
	case <-timer.C:
	}
	return true
}

// look looks the name up once. settled means that the next look-up has time.
func (n *Name) look(ctx context.Context) (settled bool) {
	limited, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	answer, err := n.options.Lookup(limited, n.host)
	if err == nil && len(answer) == 0 {
		err = &net.DNSError{Err: "no address", Name: n.host, IsNotFound: true}
	}
	switch {
	case ctx.Err() != nil:
		n.learn(&known{err: ctx.Err()}, false)
	case err != nil:
		n.fail(err)
	default:
		n.options.Observe(Found)
		return n.found(answer)
	}
	return false
}

// fail handles a look-up that failed.
func (n *Name) fail(err error) {
	result, now := Failed, time.Now()
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		result = NotFound
	}
	n.options.Observe(result)
	gone := false
	switch {
	case result != NotFound:
		n.missing = time.Time{}
	case n.missing.IsZero():
		n.missing = now
	default:
		gone = now.Sub(n.missing) >= hold
	}
	had := n.use()
	n.learn(&known{err: err}, gone)
	switch {
	case n.failing.IsZero():
		n.failing = now
		n.log().Warn("name cannot be looked up", zap.Stringers("addresses still in use", n.use()), zap.Error(err))
	case len(had) > 0 && len(n.use()) == 0:
		n.log().Warn("name has been missing for too long: its addresses are no longer used", zap.Stringers("addresses", had), zap.Error(err))
	}
}

// found handles an answer. settled means that it has every address of the last answers.
func (n *Name) found(answer []netip.Addr) (settled bool) {
	if !n.failing.IsZero() {
		n.log().Info("name can be looked up again", zap.Stringers("addresses", answer), zap.Duration("after", time.Since(n.failing)))
	}
	n.failing, n.missing = time.Time{}, time.Time{}
	n.answers = append(n.answers, answer)
	n.answers = n.answers[max(len(n.answers)-lastAnswers, 0):]
	k := &known{}
	for _, a := range answer {
		if a = a.Unmap(); !slices.Contains(k.order, a) {
			k.order = append(k.order, a)
		}
	}
	for _, answer := range n.answers {
		for _, a := range answer {
			if a = plain(a); !slices.Contains(k.kept, a) {
				k.kept = append(k.kept, a)
			}
		}
	}
	n.learn(k, true)
	return len(k.kept) <= len(k.order)
}

// learn publishes k if nothing is known yet, if only an error is, or if replace says so.
func (n *Name) learn(k *known, replace bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	old := n.known.Load()
	if old == nil || replace || old.err != nil {
		for a, at := range n.ill {
			if time.Since(at) >= illFor {
				delete(n.ill, a)
			}
		}
		k.order = n.illLast(k.order)
		n.known.Store(k)
	}
	if old == nil {
		close(n.first)
	}
	if k.err != nil && replace {
		n.answers = nil
	}
}

// use returns the addresses that are dialled now.
func (n *Name) use() []netip.Addr {
	if k := n.known.Load(); k != nil {
		return k.order
	}
	return nil
}

func (n *Name) log() *zap.Logger {
	return n.options.Log.With(zap.String("upstream", n.options.Upstream), zap.String("endpoint", n.options.Endpoint), zap.String("name", n.host))
}
