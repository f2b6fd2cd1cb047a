// How an endpoint comes back into service: on trial, then with a capacity that grows.

package balancer

import "time"

// Comeback is how far an endpoint is on its way back into service. A server that was out is
// suspect, and has lost what it had in memory: the traffic of a warm one would take it down
// again.
type Comeback uint8

const (
	Settled Comeback = iota // it is used whole
	Away                    // it is ejected, or its probes fail
	OnTrial                 // few requests at once find out whether it serves them
	Ramping                 // its capacity and its slots grow to the whole
	comebackCount
)

var comebackNames = [comebackCount]string{"settled", "away", "on_trial", "ramping"}

// String returns the name in lower case, as metrics and the admin API show it.
func (c Comeback) String() string { return comebackNames[c] }

// comebackEvent is what may change how far an endpoint is.
type comebackEvent uint8

const (
	wentAway    comebackEvent = iota // it was ejected, or its probes failed
	cameBack                         // neither is so any more
	joined                           // it is new among others that are warm
	passedTrial                      // requests were served well in its trial
	rampOver
	comebackEvents
)

// nextComeback has what follows upon each event. Where it is the same, the event means nothing.
var nextComeback = [comebackCount][comebackEvents]Comeback{
	//       wentAway, cameBack, joined, passedTrial, rampOver
	Settled: {Away, Settled, Ramping, Settled, Settled},
	Away:    {Away, OnTrial, Away, Away, Away},
	OnTrial: {Away, OnTrial, OnTrial, Ramping, OnTrial},
	Ramping: {Away, Ramping, Ramping, Ramping, Settled},
}

const (
	// A trial lets trialSlots requests at once to the endpoint. It is over once trialPasses in a
	// row were served well. Requests may take minutes: more of them would make it long.
	trialSlots, trialPasses = 2, 2
	// A ramp begins with leastRamp of the capacity, or nothing would ever warm the server up, and
	// grows by rampSteps snapshots.
	leastRamp, rampSteps = 0.1, 20
)

// way is how far a member is on its way back. Guarded by Pool.mu.
type way struct {
	at    Comeback
	since time.Duration // by the pool's clock
}

// advance lets an event change it, and reports whether it did.
func (w *way) advance(ev comebackEvent, now time.Duration) bool {
	next := nextComeback[w.at][ev]
	if next == w.at {
		return false
	}
	*w = way{at: next, since: now}
	return true
}

// ramp returns the part of its capacity that an endpoint has, above 0 to 1, where a whole ramp
// takes as long as slowStart.
func (w *way) ramp(slowStart, now time.Duration) float64 {
	if w.at != Ramping || now-w.since >= slowStart {
		return 1
	}
	return max(leastRamp, float64(now-w.since)/float64(slowStart))
}

// judged lets a change of a member's conditions take it away or bring it back. The caller holds
// mu.
func (p *Pool) judged(m *member) {
	const judgements = Ejected | ProbeFailed
	if m.standing.set&judgements != 0 {
		p.move(m, wentAway)
	} else {
		p.move(m, cameBack)
	}
}

// move lets an event change how far a member is on its way back, and keeps the transition to be
// told. The caller holds mu.
func (p *Pool) move(m *member, ev comebackEvent) (moved bool) {
	was, now := m.way, p.now()
	if !m.way.advance(ev, now) {
		return false
	}
	if ev != wentAway && (was.at == OnTrial || was.at == Ramping) {
		p.marked = append(p.marked, Transition{Upstream: p.name, Endpoint: m.endpoint.name, Comeback: was.at, After: now - was.since})
	}
	if is := m.way.at; is == OnTrial || is == Ramping && p.options.SlowStart > 0 {
		p.marked = append(p.marked, Transition{Upstream: p.name, Endpoint: m.endpoint.name, Comeback: is, On: true})
	}
	return true
}

// ramps ends the ramps that are over, and has the next step of the others published in time.
// The caller holds mu.
func (p *Pool) ramps() {
	going := false
	for _, m := range p.members {
		if m.way.at != Ramping {
			continue
		}
		if p.now()-m.way.since < p.options.SlowStart {
			going = true
		} else if p.options.SlowStart > 0 {
			p.move(m, rampOver)
		} else {
			m.way.advance(rampOver, p.now())
		}
	}
	if !going || p.options.Now != nil {
		return
	}
	if step := max(p.options.SlowStart/rampSteps, 10*time.Millisecond); p.ramp == nil {
		p.ramp = time.AfterFunc(step, func() { refresh([]*Pool{p}) })
	} else {
		p.ramp.Reset(step)
	}
}

// passed ends the trial of an endpoint. The caller holds no lock.
func (p *Pool) passed(e *Endpoint) {
	if p.endTrial(e) {
		refresh([]*Pool{p})
	}
}

// endTrial is passed under the lock.
func (p *Pool) endTrial(e *Endpoint) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.members {
		if m.endpoint == e {
			return p.move(m, passedTrial)
		}
	}
	return false
}

// now is the pool's clock. The caller holds mu.
func (p *Pool) now() time.Duration {
	if p.queue.now == nil { // it is written under mu and pick, once
		return processClock()
	}
	return p.queue.now()
}
