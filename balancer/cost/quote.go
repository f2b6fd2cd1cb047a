// What a request would cost at a server.

package cost

import (
	"math"
	"time"
)

// Ask is a request whose cost is asked for, at several servers of an upstream.
type Ask struct {
	prompt  *Prompt
	tokens  float64 // of its prompt
	answer  float64 // events that its answer is expected to have
	tuning  *Tuning
	unit    float64
	mean    float64
	seconds float64 // the present
}

// Ask returns the request with this prompt, as it is asked about at that moment. The prompt may be nil.
func (u *Upstream) Ask(p *Prompt, at time.Duration) Ask {
	a := Ask{
		prompt: p, tuning: u.tuning.Load(), seconds: at.Seconds(),
		unit: math.Float64frombits(u.unit.Load()), mean: math.Float64frombits(u.mean.Load()),
	}
	u.mu.Lock()
	a.answer = u.answers.value
	a.tokens = 1
	if p != nil {
		a.tokens = max(1, float64(p.Bytes)/u.prompts.value())
	}
	u.mu.Unlock()
	return a
}

// work is that of reading the prompt where so many tokens of it are known already.
func (a *Ask) work(known float64) float64 {
	known = min(known, a.tokens-1)
	return a.tokens - known + a.tuning.Attention*(a.tokens*a.tokens-known*known)
}

// Parts is what a request costs at a server: seconds of its own and of others'.
type Parts struct {
	Wait  float64 // until all before it are read
	Read  float64 // its prompt
	Stall float64 // what those who are being answered lose while it is read
	Write float64 // its answer
	Slow  float64 // what others lose since its context is read with each of their tokens
}

// Sum is the cost.
func (p *Parts) Sum() float64 { return p.Wait + p.Read + p.Stall + p.Write + p.Slow }

// Quote returns what the request would cost at the server, whose capacity is given in the upstream's unit.
func (s *Server) Quote(a *Ask, capacity float64) Parts {
	s.settle(a.seconds)
	return s.quote(a, capacity)
}

// quote is Quote where all that must have been read is taken for read.
func (s *Server) quote(a *Ask, capacity float64) (p Parts) {
	t := a.tuning
	all := float64(t.Gateways)
	rate := s.rate.within(a.unit*capacity, t.Trust)
	base, slope := s.step.line(t.Step.Seconds() * a.mean / capacity)

	left := float64(s.work)
	if first := s.order.first; first != nil {
		left -= min((a.seconds-s.since)*rate, t.Begun*float64(first.work))
	}
	p.Wait = max(0, left) * all / rate
	p.Read = a.work(s.cached(a.prompt, a)) / rate
	p.Stall = t.Stall * p.Read * float64(s.writing) * all
	length := t.Writing * a.answer
	p.Write = length * (base + slope*(float64(s.context)*all+a.tokens))
	p.Slow = length * slope * a.tokens * float64(s.writing+int64(s.order.length)) * all
	return p
}
