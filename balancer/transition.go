// Telling the owner of a pool what has changed, in order and without locks.

package balancer

import (
	"sync"
	"time"
)

// Panic is what a pool does for want of endpoints: mostly a rule that it does not obey for a while.
type Panic uint8

const (
	// IgnoresEjections: too little capacity would be left (Options.PanicRatio), so that those ejected are used.
	IgnoresEjections Panic = 1 + iota
	// IgnoresOutages: no endpoint can be reached, and nobody had better wait for one, so that
	// all are used as if nothing were known.
	IgnoresOutages
	// SpillsOver: the first tier falls short (Options.TierSpillRatio), so that others are used as well.
	SpillsOver

	panicCount // one more than the last
)

// Transition is one change of what keeps requests from an endpoint, or of a pool that
// ignores such things.
type Transition struct {
	Upstream  string
	Endpoint  string        // its name; "" for a panic, which is the whole pool's
	Condition Condition     // exactly one; 0 for all else
	Panic     Panic         // 0 for all else
	Comeback  Comeback      // OnTrial or Ramping, where the endpoint is on its way back; 0 for all else
	Cooling   time.Duration // for how long the endpoint asked to be left alone; 0 for all else
	On        bool          // it begins; else it is over, of a comeback in the good sense
	Reason    string        // why, in the words of its writer, where it begins
	After     time.Duration // how long it lasted, where it is over
}

// notices is the transitions that are still to be told. They are told in their order, one at
// a time, by one of those who made them; no lock is held meanwhile.
type notices struct {
	mu      sync.Mutex // guards what follows; taken under Pool.mu and Pool.pick
	to      func(Transition)
	waiting []Transition
	telling bool
}

// configure says who is told. Whoever was first stays.
func (n *notices) configure(to func(Transition)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.to == nil {
		n.to = to
	}
}

// add keeps transitions until tell.
func (n *notices) add(t ...Transition) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.to != nil {
		n.waiting = append(n.waiting, t...)
	}
}

// tell tells all that is to be told, unless somebody is about it already. The caller holds
// none of the pool's locks.
func (n *notices) tell() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.telling {
		return
	}
	n.telling = true
	defer func() { n.telling = false }()
	for len(n.waiting) > 0 {
		next := n.waiting
		n.waiting = nil
		n.tellUnlocked(next)
	}
}

// tellUnlocked lets mu go while it tells.
func (n *notices) tellUnlocked(list []Transition) {
	n.mu.Unlock()
	defer n.mu.Lock()
	for _, t := range list {
		n.to(t)
	}
}

// panicState is whether a pool ignores something, and since when by its clock.
type panicState struct {
	on    bool
	since time.Duration
}

// notePanic notes whether the pool ignores something. The caller holds pick.
func (p *Pool) notePanic(kind Panic, on bool) {
	state := &p.panics[kind]
	if on == state.on {
		return
	}
	now := p.queue.now()
	t := Transition{Upstream: p.name, Panic: kind, On: on}
	if !on {
		t.After = now - state.since
	}
	state.on, state.since = on, now
	p.notices.add(t)
}
