package policy

import "github.com/steelyard-proxy/steelyard/balancer"

// TwoChoices returns the policy that draws two endpoints for each request in proportion
// to capacity, never the same twice, and gives it to the one with the lesser (n+½)/C, as
// in LeastLoad; of equal ones to the larger, then to the first drawn.
//
// It is for many balancers in front of the same endpoints, which see only their own
// requests: the least loaded of all would look the same to each of them, and they would
// run there together. For a few, some four, LeastLoad is better still; from some eight on
// it is not (bench run replicas). Drawn evenly, two choices leave part of an unequal fleet's capacity
// unused; drawn in proportion they do not. A pick is O(log n).
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
		lottery:  newLottery(candidates, b.sources.next()),
		inFlight: make([]int64, len(candidates)),
	}
}

type twoChoicesPicker struct {
	lottery  *lottery
	inFlight []int64 // by candidate, as last told
}

func (p *twoChoicesPicker) lots() *lottery { return p.lottery }

// Pick implements balancer.Picker.
func (p *twoChoicesPicker) Pick(r *balancer.Request) (int, bool) {
	p.lottery.exclude(r)
	picked := p.choose()
	p.lottery.readmit()
	return int(picked), picked != absent
}

// choose returns absent if there is nobody to choose.
func (p *twoChoicesPicker) choose() int32 {
	first := p.lottery.draw()
	if first == absent {
		return absent
	}
	second := p.lottery.drawOther(first)
	if second != absent && p.better(second, first) {
		return second
	}
	return first
}

func (p *twoChoicesPicker) better(i, j int32) bool {
	a, b := p.lottery.weight[i], p.lottery.weight[j]
	x, y := load(p.inFlight[i], a), load(p.inFlight[j], b)
	return x < y || x == y && a > b
}

// Open implements balancer.Picker.
func (p *twoChoicesPicker) Open(i int, open bool) { p.lottery.open(int32(i), open) }

// Count implements balancer.Counter.
func (p *twoChoicesPicker) Count(i int, inFlight int64) { p.inFlight[i] = inFlight }

// Inherit implements balancer.Picker. What is in flight is counted anew.
func (p *twoChoicesPicker) Inherit(predecessor balancer.Picker) { p.lottery.inherit(predecessor) }
