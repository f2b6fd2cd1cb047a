// The state of one server: who is being read and who is being answered there.

package cost

import (
	"sync"
	"time"
)

// Server is the state of one server, shared by all upstreams that name it. The caller of its methods holds its lock.
// Seconds are by the clock of whoever tells it what happens.
type Server struct {
	sync.Mutex
	order  line  // requests without a first token
	silent line  // those of them that will show none
	work   int64 // of reading order
	// since is when the last first token came, or order got its first: how long the first of order is
	// being read by now.
	since   float64
	emptied float64 // when order became empty
	writing int64   // requests with a first token
	context int64   // tokens of all in flight
	rate    rate
	step    step
	cache   cache
}

// NewServer returns the state of a server at which nothing is in flight.
func NewServer() *Server {
	return &Server{order: line{which: inOrder}, silent: line{which: inSilent}, cache: newCache()}
}

// State is how much a server has in flight.
type State struct {
	Reading int   // requests without a first token
	Work    int64 // of reading their prompts, in tokens
	Writing int   // requests with a first token
	Context int64 // tokens that all of them hold
}

// State returns how much is in flight.
func (s *Server) State() State {
	return State{Reading: s.order.length, Work: s.work, Writing: int(s.writing), Context: s.context}
}

// Pace is how fast a server was measured to be; 0 where nothing was measured yet.
type Pace struct {
	Rate  float64 // tokens of prompt a second
	Step  float64 // seconds of one more token, without any context
	Slope float64 // seconds that each token of context adds to that
}

// Pace returns how fast the server was measured to be.
func (s *Server) Pace() (p Pace) {
	p.Rate = s.rate.value
	p.Step, p.Slope, _ = s.step.line()
	return p
}

// Send counts a request that goes to the server now.
func (s *Server) Send(v *Visit, u *Upstream, p *Prompt, place Place, at time.Duration) {
	now := at.Seconds()
	s.settle(now)
	ask := u.Ask(p, at)
	*v = Visit{upstream: u, at: reading, alone: s.order.length == 0, silent: !p.Streams, bytes: p.Bytes, sent: now, seen: now}
	v.context, v.expected = int64(ask.tokens), ask.unit*max(place.Capacity, leastCapacity)
	cached := s.cached(p, &ask)
	v.work = max(1, int64(ask.work(cached)))
	if p.Bytes > 0 && !p.Unread {
		u.sent(v.work)
	}
	if v.silent {
		parts := s.quote(&ask, place)
		t := ask.tuning
		v.read = now + t.Slack*(parts.Wait+parts.Read) + t.Unseen.Seconds()
		if last := s.silent.last; last != nil {
			v.read = max(v.read, last.read)
		}
		s.silent.add(v)
	}
	if s.order.length == 0 {
		s.since = now
	}
	s.order.add(v)
	s.work += v.work
	s.context += v.context
	s.cache.remember(p, &ask, cached)
}

// Work returns how much work it would be to read the prompt; 1 or more.
func (s *Server) Work(a *Ask) int64 { return max(1, int64(a.work(s.cached(a.prompt, a)))) }

// Token takes in that n events of an answer have come. It reports whether by that a prompt is known to have been read.
func (s *Server) Token(v *Visit, n int, at time.Duration) (read bool) {
	if v.at == nowhere || n <= 0 {
		return false
	}
	now := at.Seconds()
	s.settle(now)
	if read = v.at == reading; read {
		s.beganToWrite(v, now)
	} else {
		s.passed(v, n, now)
	}
	v.seen = now
	v.events += int64(n)
	grown := v.upstream.tokens(n)
	v.context += grown
	s.context += grown
	return read
}

// Blocked takes in that the client took nothing for so long, since the last event. What piled up meanwhile comes as fast as
// the client takes it: for as long again no gap says how fast the server writes.
func (s *Server) Blocked(v *Visit, d, at time.Duration) {
	if v.at != nowhere {
		v.deaf = (at + d).Seconds()
	}
}

// beganToWrite takes in the first token of a request.
func (s *Server) beganToWrite(v *Visit, now float64) {
	if t := v.upstream.Tuning(); v.alone && !v.silent && v.work > t.LeastRead && now > v.sent {
		s.rate.learn(float64(v.work)/(now-v.sent), v.expected, v.upstream)
	}
	s.leaveOrder(v, now)
	s.since = now
	v.at = writing
	s.writing++
}

// passed takes in how long n events took to come. Where a prompt was read meanwhile, or the client made them wait, that says
// nothing of how fast the server writes.
func (s *Server) passed(v *Visit, n int, now float64) {
	if s.order.length == 0 && s.emptied <= v.seen && v.deaf <= now {
		s.step.learn(float64(s.context), (now-v.seen)/float64(n), now, v.upstream.Tuning().Sample.Seconds())
	}
}

// leaveOrder takes a request out of those that are being read.
func (s *Server) leaveOrder(v *Visit, now float64) {
	if s.order.first == v {
		s.since = now
	}
	s.order.remove(v)
	if v.silent {
		s.silent.remove(v)
	}
	s.work -= v.work
	if s.order.length == 0 {
		s.emptied = now
	}
}

// settle takes those for read that show no first token, and must have been read by now.
func (s *Server) settle(now float64) {
	for v := s.silent.first; v != nil && v.read <= now; v = s.silent.first {
		s.leaveOrder(v, v.read)
		s.since = max(s.since, v.read)
		v.at = writing
		s.writing++
	}
}

// End takes a request out, however it ended. Answered says that its answer came whole. A visit that has ended does nothing more.
func (s *Server) End(v *Visit, answered bool, usage Usage, at time.Duration) {
	if v.at == nowhere {
		return
	}
	now := at.Seconds()
	s.settle(now)
	if v.at == reading {
		s.leaveOrder(v, now)
	} else {
		s.writing--
	}
	s.context -= v.context
	if answered {
		v.upstream.answered(v, usage)
	}
	*v = Visit{}
}
