// Servers as a gateway knows them, and requests on their way there.

package rival

import (
	"math"

	"github.com/steelyard-proxy/steelyard/bench/engine"
)

// server is an engine as a gateway knows it.
type server struct {
	at       int // its number among the candidates
	engine   int // and among the engines of the run
	capacity float64
	open     bool
	told     engine.State // what it said of itself, some time ago
	index    index        // nil: none

	inFlight int     // requests
	unread   float64 // prompt tokens, not cached, of requests without a first token
	uncached float64 // prompt tokens, not cached, of all in flight
	held     float64 // prompt tokens of all in flight
}

// request is what a gateway knows of one.
type request struct {
	tokens  float64  // of its prompt, as far as its bytes say
	blocks  []uint64 // chained
	each    float64  // tokens of a block
	session uint64
}

// flight is a request on its way.
type flight struct {
	server           *server
	tokens, uncached float64
	read             bool // its first token has passed
}

// matched is how many of the prompt's tokens the server is thought to have in its cache.
func (g *gateway) matched(s *server, q *request) float64 {
	if s.index == nil || len(q.blocks) == 0 {
		return 0
	}
	return min(float64(s.index.match(q.blocks))*q.each, q.tokens)
}

func (g *gateway) send(i int32) (matched float64) {
	s, q := g.chosen, &g.request
	f := &flight{server: s, tokens: q.tokens, uncached: q.tokens - g.matched(s, q)}
	g.flights[i] = f
	s.inFlight++
	s.unread += f.uncached
	s.uncached += f.uncached
	s.held += f.tokens
	if s.index != nil {
		s.index.touch(q.blocks)
	}
	return f.tokens - f.uncached
}

// read is called for the first token of a request.
func (g *gateway) read(i int32) {
	f := g.flights[i]
	f.read = true
	f.server.unread -= f.uncached
}

func (g *gateway) end(i int32) {
	f := g.flights[i]
	if !f.read {
		f.server.unread -= f.uncached
	}
	delete(g.flights, i)
	f.server.inFlight--
	f.server.uncached -= f.uncached
	f.server.held -= f.tokens
}

// least is the open server for which the figure is least; ties are drawn. A figure of +Inf is no server for this request,
// unless all are.
func (g *gateway) least(figure func(*server) float64) *server {
	var best *server
	least, ties := math.Inf(1), 0
	for _, s := range g.servers {
		if !s.open {
			continue
		}
		switch x := figure(s); {
		case best == nil || x < least:
			best, least, ties = s, x, 1
		case x == least:
			if ties++; g.chance.IntN(ties) == 0 {
				best = s
			}
		}
	}
	return best
}

// loads are the mean and the spread of a figure over the open servers.
func (g *gateway) loads(figure func(*server) float64) tally {
	t := tally{least: math.Inf(1)}
	squares := 0.0
	for _, s := range g.servers {
		if s.open {
			x := figure(s)
			t.n++
			t.sum += x
			squares += x * x
			t.least, t.most = min(t.least, x), max(t.most, x)
		}
	}
	t.mean = t.sum / t.n
	t.deviation = math.Sqrt(max(squares/t.n-t.mean*t.mean, 0))
	return t
}

// tally sums up a figure of several servers.
type tally struct{ n, sum, mean, deviation, least, most float64 }

func requests(s *server) float64 { return float64(s.inFlight) }
