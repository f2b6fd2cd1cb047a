// What a request would cost at a server.

package cost

import "time"

// Ask is a request whose cost is asked for, at several servers of an upstream.
type Ask struct {
	prompt  *Prompt
	tokens  float64 // of its prompt
	answer  float64 // events that its answer is expected to have
	tuning  *Tuning
	unit    float64 // work a second that a server of the mean capacity reads
	usual   usual
	seconds float64 // the present
}

// Ask returns the request with this prompt, as it is asked about at that moment. The prompt may be nil.
func (u *Upstream) Ask(p *Prompt, at time.Duration) Ask {
	a := Ask{
		prompt: p, tuning: u.tuning.Load(), seconds: at.Seconds(), unit: u.perServer(),
	}
	u.mu.Lock()
	a.answer, a.usual = u.answers.value, u.usual
	a.tokens = 1
	if p != nil {
		a.tokens = max(1, float64(p.Bytes)/u.prompts.value())
		if p.Unread { // one that is a book counts as the usual prompt too, but hardly any is
			a.tokens = min(a.tokens, max(a.usual.work.value, leastUsual))
		}
	}
	u.mu.Unlock()
	return a
}

// Prompt returns what it was asked with.
func (a *Ask) Prompt() *Prompt { return a.prompt }

// work is that of reading the prompt where so many tokens of it are known already.
func (a *Ask) work(known float64) float64 {
	known = min(known, a.tokens-1)
	return a.tokens - known + a.tuning.Attention*(a.tokens*a.tokens-known*known)
}

// Place is what is known of a server beside what passes through this gateway.
type Place struct {
	// Capacity is in units of the mean of the upstream.
	Capacity float64
	// Waiting and Running are requests that others have there: those whose prompts were not read, and those
	// that are being answered. Tuning.Gateways stands for them where it is more than one.
	Waiting, Running float64
	// Ahead is the work of prompts that wait at this gateway, and will be sent there before the request.
	Ahead int64
}

// Parts is what a request costs at a server: seconds of its own and of others'.
type Parts struct {
	Wait  float64 // until all before it are read, and more where that is long
	Read  float64 // its prompt
	Stall float64 // what those who are being answered lose while it is read
	Write float64 // its answer
	Slow  float64 // what others lose since its context is read with each of their tokens
}

// Sum is the cost.
func (p *Parts) Sum() float64 { return p.Wait + p.Read + p.Stall + p.Write + p.Slow }

// Quote returns what the request would cost at the server.
func (s *Server) Quote(a *Ask, at Place) Parts {
	s.settle(a.seconds)
	p, t := s.quote(a, at), a.tuning
	if t.Patience > 0 {
		p.Wait *= 1 + p.Wait*a.unit/(t.Patience*max(a.usual.work.value, leastUsual))
	}
	return p
}

// quote is Quote where all that must have been read is taken for read, and a wait counts as long as it is.
func (s *Server) quote(a *Ask, at Place) (p Parts) {
	t, capacity := a.tuning, max(at.Capacity, leastCapacity)
	rate := s.rate.within(a.unit*capacity, t.Trust)
	left, waiting, writing, context := s.unread(rate, a.seconds, t)+float64(at.Ahead), float64(s.order.length), float64(s.writing), float64(s.context)
	if all := float64(t.Gateways); all > 1 {
		left, waiting, writing, context = left*all, waiting*all, writing*all, context*all
	} else if at.Waiting+at.Running > 0 {
		left += at.Waiting * a.usual.work.value
		waiting, writing, context = waiting+at.Waiting, writing+at.Running, context+(at.Waiting+at.Running)*a.usual.context.value
	}
	p.Wait = left / rate
	p.Read = a.work(s.cached(a.prompt, a)) / rate
	p.Stall = t.Stall * p.Read * writing
	length, others := t.Writing*a.answer, writing+waiting
	if base, slope, known := s.step.line(); known {
		p.Write = length * (base + slope*(context+a.tokens))
		p.Slow = length * slope * a.tokens * others
	} else { // as if it served one at a time: the sum goes by (n+½)/C then
		alone := length * t.Step.Seconds() / capacity
		p.Write, p.Slow = alone*(1+others), alone*others
	}
	return p
}

// unread is the work of reading that is left, where so much is done in a second.
func (s *Server) unread(rate, now float64, t *Tuning) float64 {
	left := float64(s.work)
	if first := s.order.first; first != nil {
		left -= min((now-s.since)*rate, t.Begun*float64(first.work))
	}
	return max(0, left)
}

// Ready reports whether the server has no more to read than takes it so long, or nothing at all; and if not, when it will
// have as far as is known, or 0.
func (s *Server) Ready(u *Upstream, at Place, within, now time.Duration) (ready bool, when time.Duration) {
	seconds, t := now.Seconds(), u.Tuning()
	s.settle(seconds)
	first := s.order.first
	if first == nil {
		return true, 0
	}
	rate := s.rate.within(u.perServer()*max(at.Capacity, leastCapacity), t.Trust)
	left := s.unread(rate, seconds, t) - within.Seconds()*rate
	if left <= 0 {
		return true, 0
	}
	if seconds+left/rate-s.since <= t.Begun*float64(first.work)/rate {
		when = now + time.Duration(left/rate*float64(time.Second)) + lookAgain
	}
	if silent := s.silent.first; silent != nil {
		read := time.Duration(silent.read*float64(time.Second)) + lookAgain
		if when == 0 || read < when {
			when = read
		}
	}
	return false, when
}

// lookAgain is how much later than reckoned one looks again, so that rounding does not make one look twice.
const lookAgain = 100 * time.Microsecond

// leastUsual is the least work that the usual prompt is taken for.
const leastUsual = 100

// leastCapacity is the least that a server is taken for, in units of the mean of the upstream.
const leastCapacity = 1e-6
