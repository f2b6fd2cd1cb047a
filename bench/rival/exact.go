// A prototype of the policy least_cost, to hold the engines and the product's own policy against.

package rival

import (
	"math"
	"slices"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// reader is what the prototype keeps of a server.
type reader struct {
	unread  []*flight // without a first token, in order of sending
	work    float64   // of those
	since   float64   // when the last first token came, or the list became non-empty
	clean   float64   // since when it has been empty; +Inf while it is not
	writing int       // requests with a first token
	context float64   // tokens of all in flight
	rate    float64   // of reading, work/s; 0: not measured
	fit     fit       // of the time of a token over the context
	sampled float64   // when fit last had one
}

// The constants of the rule.
const (
	attention  = 2.5e-5
	stalling   = 0.5 // σ
	answering  = 0.5 // δ
	firstRate  = 10_000.0
	firstToken = 0.020 // seconds, of an endpoint of mean capacity
)

// exact is the state of a gateway that all its servers share.
type exact struct {
	length float64 // of an answer
}

// Exact is the rule by the book, without a queue.
func Exact(o Options) balancer.Builder {
	x := &exact{length: 200}
	return newBuilder(rule{name: "prototype", index: likeTheCache, choose: x.choose, sent: x.sent, token: x.token, ended: x.ended}, o)
}

func work(p, known float64) float64 { return p - known + attention*(p*p-known*known) }

func (x *exact) choose(g *gateway, q *request) *server {
	sum, rates, capacities := 0.0, 0.0, 0.0
	for _, s := range g.servers {
		sum += s.capacity
		if s.reader.rate > 0 {
			rates, capacities = rates+s.reader.rate, capacities+s.capacity
		}
	}
	unit := firstRate * float64(len(g.servers)) / sum
	if capacities > 0 {
		unit = rates / capacities
	}
	mean := sum / float64(len(g.servers))
	return g.least(func(s *server) float64 { return x.cost(g, s, q, unit, mean) })
}

func (x *exact) cost(g *gateway, s *server, q *request, unit, mean float64) float64 {
	r, now := &s.reader, g.now().Seconds()
	rate := r.rate
	if rate == 0 {
		rate = unit * s.capacity
	}
	waits := r.work
	if len(r.unread) > 0 {
		waits = max(waits-min((now-r.since)*rate, 0.95*r.unread[0].work), 0)
	}
	a, b := r.fit.line()
	if r.fit.samples < 3 {
		a, b = firstToken*mean/s.capacity, 0
	}
	reads := work(q.tokens, g.matched(s, q)) / rate
	token := a + b*(r.context+q.tokens)
	return waits/rate + reads*(1+stalling*float64(r.writing)) +
		answering*x.length*(token+b*q.tokens*float64(r.writing+len(r.unread)))
}

func (x *exact) sent(g *gateway, f *flight, q *request) {
	r, now := &f.server.reader, g.now().Seconds()
	f.work, f.sent, f.sentIdle = work(q.tokens, q.tokens-f.uncached), now, len(r.unread) == 0
	if f.sentIdle {
		r.since, r.work, r.clean = now, 0, math.Inf(1)
	}
	r.unread = append(r.unread, f)
	r.work += f.work
	r.context += f.tokens
}

func (x *exact) token(g *gateway, f *flight) {
	r, now := &f.server.reader, g.now().Seconds()
	r.context++
	if f.made > 1 {
		if r.clean <= f.last && now-r.sampled >= 0.1 {
			r.sampled = now
			r.fit.add(r.context, now-f.last)
		}
		f.last = now
		return
	}
	f.last = now
	x.leave(g, f)
	r.since = now
	r.writing++
	if !f.sentIdle || f.work <= 1000 {
		return
	}
	switch seen := f.work / (now - f.sent); {
	case r.rate == 0:
		r.rate = seen
	case seen > r.rate:
		r.rate *= math.Exp(0.035)
	default:
		r.rate *= math.Exp(-0.015)
	}
}

// leave takes a request from those without a first token.
func (x *exact) leave(g *gateway, f *flight) {
	r := &f.server.reader
	r.unread = slices.DeleteFunc(r.unread, func(other *flight) bool { return other == f })
	r.work -= f.work
	if len(r.unread) == 0 {
		r.work, r.clean = 0, g.now().Seconds()
	}
}

func (x *exact) ended(g *gateway, f *flight) {
	r := &f.server.reader
	if f.made == 0 {
		x.leave(g, f)
	} else {
		r.writing--
	}
	r.context -= f.tokens + float64(f.made)
	x.length += (float64(f.made) - x.length) / 200
}

// fit is a line through the last few hundred samples.
type fit struct {
	samples         int
	n, x, y, xx, xy float64
}

func (f *fit) add(x, y float64) {
	const keep = 0.995
	f.samples++
	f.n, f.x, f.y = keep*f.n+1, keep*f.x+x, keep*f.y+y
	f.xx, f.xy = keep*f.xx+x*x, keep*f.xy+x*y
}

// line is y = a + b·x, held to be plausible where samples say little.
func (f *fit) line() (a, b float64) {
	if f.n == 0 {
		return 0, 0
	}
	x, y := f.x/f.n, f.y/f.n
	b = max((f.xy/f.n-x*y)/(f.xx/f.n-x*x+0.05*x*x), 0)
	a = max(y-b*x, y/5)
	return a, b
}
