// The policy two_choices: the less loaded of two drawn at random.

package policy

import "github.com/steelyard-proxy/steelyard/balancer"

// TwoChoices returns the policy that draws two different endpoints for each request, in
// proportion to capacity, and gives it to the one with the lesser (n+½)/C, as in LeastLoad. Of
// equal ones it is the larger, then the one that was drawn first.
//
// It is for many gateways in front of the same endpoints, each of which sees only its own
// requests. The endpoint with the least load would often be the same one to all of them, and
// they would all send their requests there. For about four gateways LeastLoad is still better;
// from about eight on it is not (bench run replicas). If both were drawn with equal chances,
// part of an unequal fleet's capacity would stay unused. A pick is O(log n).
func TwoChoices(o Options) balancer.Builder {
	return &twoChoicesBuilder{options: o, sources: sources{seed: o.Seed}}
}

type twoChoicesBuilder struct {
	options Options
	sources sources
}

func (b *twoChoicesBuilder) Name() string { return b.options.name("two_choices") }

func (b *twoChoicesBuilder) Build(candidates []balancer.Candidate) balancer.Picker {
	return &twoChoicesPicker{
		ramps:    newRamps(candidates, proportions(candidates)),
		lottery:  newLottery(candidates, b.sources.next()),
		capacity: scaled(wholes(candidates)),
		inFlight: make([]int64, len(candidates)),
	}
}

type twoChoicesPicker struct {
	*ramps
	lottery  *lottery  // by the capacities in force
	capacity []float64 // by candidate: the whole of it, in parts of a power of two
	inFlight []int64   // by candidate, as last told
}

func (p *twoChoicesPicker) lots() *lottery { return p.lottery }

// Pick implements balancer.Picker.
func (p *twoChoicesPicker) Pick(r *balancer.Request) (int, bool) {
	p.lottery.exclude(r)
	picked := p.choose()
	p.lottery.readmit()
	return int(picked), picked != absent
}

// choose returns absent if no candidate is open.
func (p *twoChoicesPicker) choose() int32 {
	first := p.lottery.draw()
	if first == absent {
		return absent
	}
	second := p.lottery.drawOther(first)
	switch {
	case second == absent:
	case p.allows(first) != p.allows(second):
		if p.allows(second) {
			return second
		}
	case p.better(second, first):
		return second
	}
	return first
}

func (p *twoChoicesPicker) better(i, j int32) bool {
	a, b := p.capacity[i], p.capacity[j]
	x, y := load(p.inFlight[i], a), load(p.inFlight[j], b)
	return x < y || x == y && a > b
}

// Open implements balancer.Picker.
func (p *twoChoicesPicker) Open(i int, open bool) { p.lottery.open(int32(i), open) }

// Count implements balancer.Counter.
func (p *twoChoicesPicker) Count(i int, inFlight int64) { p.inFlight[i] = inFlight }

// Inherit implements balancer.Picker. What is in flight is counted anew.
func (p *twoChoicesPicker) Inherit(predecessor balancer.Picker) {
	p.lottery.inherit(predecessor)
	if before, ok := predecessor.(*twoChoicesPicker); ok {
		p.ramps.inherit(before.ramps)
	}
}
