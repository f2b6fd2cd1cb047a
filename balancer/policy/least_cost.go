// The policy least_cost: whichever costs the least seconds, of the request and of all who are there.

package policy

import (
	"fmt"
	"math"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/cost"
)

// LeastCostOptions tune the policy least_cost.
type LeastCostOptions struct {
	// Seed is as in Options.
	Seed uint64
	// Tuning has the numbers to go by; its zero value stands for cost.Tuned.
	Tuning cost.Tuning
}

// LeastCost returns the policy for servers that read prompts and write answers in the same iterations, as engines
// that batch do. It gives each request to the endpoint where it costs the least seconds, its own and
// others':
//
//   - until the prompts before it are read, and its own;
//   - what those lose who are being answered there, while its prompt is read;
//   - until its answer is written, as fast as the endpoint writes by how much context it holds;
//   - what its context adds to each token of the others.
//
// How fast an endpoint reads and writes is learned from what passes; its capacity says what to
// expect before. Package cost has the arithmetic. Of equal ones one is drawn.
//
// A pick is O(n) for up to scored endpoints. Of more it compares those that know most of the prompt, and a few
// that are drawn in proportion to capacity.
func LeastCost(o LeastCostOptions) balancer.Builder {
	if o.Tuning == (cost.Tuning{}) {
		o.Tuning = cost.Tuned
	}
	return &leastCostBuilder{options: o, sources: sources{seed: o.Seed}}
}

type leastCostBuilder struct {
	options LeastCostOptions
	sources sources
}

func (b *leastCostBuilder) Name() string {
	name := Options{Seed: b.options.Seed}.name("least_cost")
	if b.options.Tuning != cost.Tuned {
		name += fmt.Sprintf(", %+v", b.options.Tuning)
	}
	return name
}

// Wants implements balancer.Wanter.
func (b *leastCostBuilder) Wants() balancer.Wants {
	return balancer.Wants{Prompts: true, Blocks: true, Tokens: true, Tuning: &b.options.Tuning}
}

func (b *leastCostBuilder) Build(candidates []balancer.Candidate) balancer.Picker {
	p := &leastCostPicker{
		ramps:   newRamps(candidates, proportions(candidates)),
		lottery: newLottery(candidates, b.sources.next()), candidates: candidates, tuning: &b.options.Tuning,
		parts: make([]float64, len(candidates)), few: make([]int32, 0, 2*draws), learned: candidates[0].Endpoint.Learned(),
	}
	for i, part := range proportions(wholes(candidates)) {
		p.parts[i] = part * float64(len(candidates))
		if len(candidates) <= scored {
			p.all = append(p.all, int32(i))
		}
	}
	return p
}

const (
	scored = 64  // endpoints whose costs are all compared
	draws  = 8   // of more endpoints, those that are drawn, and those that know most of the prompt
	asked  = 256 // of even more, those that are asked what they know: each costs some 60 ns
)

type leastCostPicker struct {
	*ramps
	lottery    *lottery // who is open, and chance
	candidates []balancer.Candidate
	tuning     *cost.Tuning
	parts      []float64 // by candidate: the whole capacity, in units of the mean
	learned    *cost.Upstream
	picks      int // since the rates were looked at; see rate
	rated      bool
	few        []int32 // memory of some
	all        []int32 // every candidate, where all are compared
	first      int     // candidate that is asked first what it knows
	ahead      []int64 // by candidate: what waits for it, while Bind is called; else nil
}

func (p *leastCostPicker) lots() *lottery { return p.lottery }

// Pick implements balancer.Picker. It changes nothing: the pool lets the server keep count of the request.
func (p *leastCostPicker) Pick(r *balancer.Request) (int, bool) {
	p.rate()
	ask := p.ask(r)
	p.lottery.exclude(r)
	best, rest := nothingFound, nothingFound // rest: of those that have had their part
	among := p.all
	if len(p.candidates) > scored {
		p.some(ask.Prompt())
		among = p.few
	}
	for _, i := range among {
		switch {
		case p.lottery.in.at(i) == 0:
		case p.allows(i):
			p.compare(&best, i, &ask)
		default:
			p.compare(&rest, i, &ask)
		}
	}
	p.lottery.readmit()
	if best.at == absent {
		best = rest
	}
	return int(best.at), best.at != absent
}

// search is the candidate of the least cost so far.
type search struct {
	least  float64
	equals int // how many have that
	at     int32
}

var nothingFound = search{least: math.Inf(1), at: absent}

// compare takes a candidate in.
func (p *leastCostPicker) compare(s *search, i int32, ask *cost.Ask) {
	ahead := int64(0)
	if p.ahead != nil {
		ahead = p.ahead[i]
	}
	parts := p.quote(int(i), ask, ahead)
	switch c := min(parts.Sum(), math.MaxFloat64); {
	case c < s.least:
		s.least, s.at, s.equals = c, i, 1
	case c == s.least:
		if s.equals++; p.lottery.chance.IntN(s.equals) == 0 {
			s.at = i
		}
	}
}

// some chooses a few of the open candidates, all different: those that know most of the prompt, and some that are drawn.
func (p *leastCostPicker) some(prompt *balancer.Prompt) {
	p.few = p.few[:0]
	p.knowing(prompt)
	for _, i := range p.few {
		p.lottery.in.set(i, 0)
	}
	for range draws {
		i := p.lottery.draw()
		if i == absent {
			break
		}
		p.few = append(p.few, i)
		p.lottery.in.set(i, 0)
	}
	for _, i := range p.few {
		p.lottery.in.set(i, p.lottery.weight[i])
	}
}

// knowing chooses the open candidates that know most of the prompt, if they know any. Where there are very many, others
// are asked each time.
func (p *leastCostPicker) knowing(prompt *balancer.Prompt) {
	if prompt == nil || len(prompt.Blocks) == 0 {
		return
	}
	var known [draws]int // of few, from the most to the least
	n := len(p.candidates)
	for range min(n, asked) {
		p.first = (p.first + 1) % n
		i := int32(p.first)
		if p.lottery.in.at(i) == 0 {
			continue
		}
		k := p.known(p.first, prompt)
		if k == 0 || len(p.few) == draws && k <= known[draws-1] {
			continue
		}
		if len(p.few) < draws {
			p.few = append(p.few, i)
		}
		at := len(p.few) - 1
		for ; at > 0 && known[at-1] < k; at-- {
			known[at], p.few[at] = known[at-1], p.few[at-1]
		}
		known[at], p.few[at] = k, i
	}
}

func (p *leastCostPicker) known(i int, prompt *balancer.Prompt) int {
	server := p.candidates[i].Endpoint.Load().Server()
	server.Lock()
	defer server.Unlock()
	return server.Known(prompt)
}

// ask is the request as servers are asked about it now.
func (p *leastCostPicker) ask(r *balancer.Request) cost.Ask {
	var prompt *balancer.Prompt
	if r != nil {
		prompt = &r.Prompt
	}
	return p.learned.Ask(prompt, p.candidates[0].Endpoint.Now())
}

func (p *leastCostPicker) quote(i int, ask *cost.Ask, ahead int64) cost.Parts {
	load := p.candidates[i].Endpoint.Load()
	at := cost.Place{Capacity: p.parts[i], Ahead: ahead}
	at.Waiting, at.Running = load.Foreign()
	server := load.Server()
	server.Lock()
	defer server.Unlock()
	return server.Quote(ask, at)
}

// rate finds how fast a server of the mean capacity reads, where one was measured since the last time. It is O(1) a pick:
// of many endpoints it looks only now and then.
func (p *leastCostPicker) rate() {
	p.picks++
	if p.rated && (p.picks < len(p.candidates)/draws || !p.learned.Moved()) {
		return
	}
	p.picks, p.rated = 0, true
	rates, parts := 0.0, 0.0
	for i, c := range p.candidates {
		server := c.Endpoint.Load().Server()
		server.Lock()
		if pace := server.Pace(); pace.Rate > 0 {
			rates, parts = rates+pace.Rate, parts+p.parts[i]
		}
		server.Unlock()
	}
	if parts > 0 {
		p.learned.Rated(rates / parts)
	} else {
		p.learned.Rated(p.tuning.Rate)
	}
}

// Explain implements balancer.Explainer.
func (p *leastCostPicker) Explain(r *balancer.Request, i int, why *balancer.Choice) {
	ask := p.ask(r)
	parts := p.quote(i, &ask, 0)
	why.ByCost = true
	why.Waiting, why.Reading, why.Stalls, why.Writing = parts.Wait, parts.Read, parts.Stall, parts.Write+parts.Slow
}

// Open implements balancer.Picker.
func (p *leastCostPicker) Open(i int, open bool) { p.lottery.open(int32(i), open) }

// Inherit implements balancer.Picker. What is known of servers is theirs.
func (p *leastCostPicker) Inherit(predecessor balancer.Picker) {
	p.lottery.inherit(predecessor)
	if before, ok := predecessor.(*leastCostPicker); ok {
		p.ramps.inherit(before.ramps)
	}
}
