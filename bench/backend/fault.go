// The faults that a server can be made to have.

package backend

import (
	"fmt"
	"strings"
	"time"
)

// Fault is one way for a server to be ill. A server has one at a time.
type Fault string

const (
	None       Fault = "none"        // well
	FailHealth Fault = "fail-health" // /health answers 503, everything else works
	Busy       Fault = "busy"        // /health and inference answer 429
	Error500   Fault = "error-500"   // inference answers 500 at once
	ErrorEvent Fault = "error-event" // streams answer 200 and one error event; other inference answers 500
	Hang       Fault = "hang"        // nothing is answered or continued until the fault ends
	Slow       Fault = "slow"        // inference that begins now takes SlowFactor times as long
	Reset      Fault = "reset"       // connections are reset when a request arrives, and in mid-stream
	ResetHalf  Fault = "reset-half"  // answers begin, and half-way their connections are reset
	CutStream  Fault = "cut-stream"  // answers break off half-way, without their proper end
	Down       Fault = "down"        // the listener and every connection are closed until the fault ends
)

// SlowFactor is how much longer a request takes under Slow.
const SlowFactor = 10

// Faults lists every kind, None first.
func Faults() []Fault {
	return []Fault{None, FailHealth, Busy, Error500, ErrorEvent, Hang, Slow, Reset, ResetHalf, CutStream, Down}
}

// parseFault reads a kind as POST /fault takes it.
func parseFault(kind string) (Fault, error) {
	var known []string
	for _, f := range Faults() {
		if kind == string(f) {
			return f, nil
		}
		known = append(known, string(f))
	}
	return None, fmt.Errorf("unknown fault %q: use one of %s", kind, strings.Join(known, ", "))
}

// condition is a fault in force. It is immutable, but for its channel.
type condition struct {
	kind    Fault
	expires time.Time     // zero: lasts until replaced
	over    chan struct{} // closed, once, by whoever replaced the condition
}

// Fault says what the server suffers from now.
func (s *Server) Fault() Fault { return s.condition.Load().kind }

// SetFault makes the server ill in one way, or well again with None, and
// returns at once; Run closes and opens the listener. With a positive duration
// the server recovers by itself after it, otherwise the fault lasts until the
// next call. It may be called from any goroutine.
func (s *Server) SetFault(kind Fault, lasting time.Duration) error {
	if _, err := parseFault(string(kind)); err != nil {
		return err
	}
	next := &condition{kind: kind, over: make(chan struct{})}
	if lasting > 0 && kind != None {
		next.expires = time.Now().Add(lasting)
	}
	s.become(next, func() bool { close(s.condition.Swap(next).over); return true })
	return nil
}

// heal ends the condition, unless it was replaced meanwhile.
func (s *Server) heal(from *condition) {
	next := &condition{kind: None, over: make(chan struct{})}
	s.become(next, func() bool {
		if !s.condition.CompareAndSwap(from, next) {
			return false
		}
		close(from.over)
		return true
	})
}

// become calls put, which puts a condition in force. If it does, the engine feels it from the same
// instant.
func (s *Server) become(next *condition, put func() bool) {
	s.clock.change(time.Now(), func(now float64) {
		if !put() {
			return
		}
		s.clock.setSpeed(now, s.clock.speed, next.kind == Hang)
		stretch := 1.0
		if next.kind == Slow {
			stretch = SlowFactor
		}
		s.clock.engine.SetStretch(stretch)
	})
}
