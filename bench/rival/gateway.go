// What a gateway of a rule knows, and how it comes to know it.

package rival

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/bench/sim"
)

// Options are of a run.
type Options struct {
	Seed  uint64        // of ties and of hashes
	Every time.Duration // how often engines are asked about themselves, by the rules that do so; 50 ms when 0
}

// rule is one system's way to choose.
type rule struct {
	name    string
	index   indexKind // what it remembers of the prompts that it sent
	asks    bool      // it goes by what engines say of themselves
	choose  chooser   // among the open servers, which are one at least
	options Options
}

type chooser func(g *gateway, q *request) *server

// indexKind is how much a gateway remembers of what it sent to a server.
type indexKind uint8

const (
	noIndex      indexKind = iota
	likeTheCache           // as many blocks as the engine's memory holds
	endless                // all
	precise                // what the engine tells of its cache as it changes
)

// builder makes the gateways of one run. It is a balancer.Builder and a sim.Follower.
type builder struct {
	rule
	engines  sim.Engines
	now      func() time.Duration
	gateways []*gateway // in the order of the run's balancers
}

func newBuilder(r rule, o Options) balancer.Builder {
	if o.Every == 0 {
		o.Every = 50 * time.Millisecond
	}
	r.options = o
	return &builder{rule: r}
}

// Name implements balancer.Builder.
func (b *builder) Name() string { return b.name }

// Wants implements balancer.Wanter. Tokens come by another way.
func (b *builder) Wants() balancer.Wants { return balancer.Wants{Prompts: true, Blocks: true} }

// Build implements balancer.Builder.
func (b *builder) Build(candidates []balancer.Candidate) balancer.Picker {
	g := &gateway{builder: b, chance: rand.New(rand.NewPCG(b.options.Seed, uint64(len(b.gateways)))), flights: map[int32]*flight{}}
	for i, c := range candidates {
		s := &server{at: i, engine: i, capacity: c.Capacity, open: true}
		if c.Endpoint != nil {
			s.engine = c.Endpoint.Via().(int)
		}
		g.servers = append(g.servers, s)
		g.look(s)
	}
	return g
}

// look learns of a server what it says of itself, once the engines are there.
func (g *gateway) look(s *server) {
	if g.engines != nil {
		s.told, s.index = g.engines.State(s.engine), g.newIndex(s.engine)
	}
}

// Start implements sim.Follower.
func (b *builder) Start(engines sim.Engines, now func() time.Duration) {
	b.engines, b.now = engines, now
	for _, g := range b.gateways {
		for _, s := range g.servers {
			g.look(s)
		}
	}
}

// Every implements sim.Follower.
func (b *builder) Every() time.Duration {
	if b.asks {
		return b.options.Every
	}
	return 0
}

// Tell implements sim.Follower.
func (b *builder) Tell(e int) {
	for _, g := range b.gateways {
		for _, s := range g.servers {
			if s.engine == e {
				s.told = b.engines.State(e)
			}
		}
	}
}

// Sent implements sim.Follower: the request that was picked last is on its way.
func (b *builder) Sent(gateway int, i int32) float64 { return b.gateways[gateway].send(i) }

// Token implements sim.Follower.
func (b *builder) Token(gateway int, i int32, made int) {
	if made == 1 {
		b.gateways[gateway].read(i)
	}
}

// Ended implements sim.Follower.
func (b *builder) Ended(gateway int, i int32) { b.gateways[gateway].end(i) }

// gateway is one balancer's view. It implements balancer.Picker.
type gateway struct {
	*builder
	servers []*server
	flights map[int32]*flight
	chance  *rand.Rand
	request request // of the last pick
	chosen  *server
}

// bytesPerToken is what everybody takes for granted who has no tokeniser.
const bytesPerToken = 4.0

// Pick implements balancer.Picker.
func (g *gateway) Pick(r *balancer.Request) (int, bool) {
	p := r.Prompt
	g.request = request{tokens: max(float64(p.Bytes)/bytesPerToken, 1), blocks: p.Blocks, each: float64(p.BlockBytes) / bytesPerToken, session: p.Session}
	if !slices.ContainsFunc(g.servers, func(s *server) bool { return s.open }) {
		return 0, false
	}
	g.chosen = g.choose(g, &g.request)
	return g.chosen.at, true
}

// Open implements balancer.Picker.
func (g *gateway) Open(i int, open bool) { g.servers[i].open = open }

// Inherit implements balancer.Picker. A gateway stays the one it was when capacities change.
func (g *gateway) Inherit(predecessor balancer.Picker) {
	before, ok := predecessor.(*gateway)
	if !ok {
		g.gateways = append(g.gateways, g)
		return
	}
	for i, s := range g.servers {
		for _, old := range before.servers {
			if old.engine == s.engine {
				old.at, old.capacity, old.open = s.at, s.capacity, true
				g.servers[i] = old
			}
		}
	}
	g.flights, g.chance = before.flights, before.chance
	g.gateways[slices.Index(g.gateways, before)] = g
}
