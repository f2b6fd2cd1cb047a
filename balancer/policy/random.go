// The policy random: each endpoint drawn in proportion to capacity.

package policy

import "github.com/steelyard-proxy/steelyard/balancer"

// Random returns the policy that draws an endpoint for each request, in proportion to
// capacity. It needs to know nothing of other requests; but its mean response time is the
// worst of all policies that go by capacity. A pick is O(log n).
func Random(o Options) balancer.Builder {
	return &randomBuilder{options: o, sources: sources{seed: o.Seed}}
}

type randomBuilder struct {
	options Options
	sources sources
}

func (b *randomBuilder) Name() string { return b.options.name("random") }

func (b *randomBuilder) Build(candidates []balancer.Candidate) balancer.Picker {
	return randomPicker{newLottery(candidates, b.sources.next())}
}

type randomPicker struct{ lottery *lottery }

func (p randomPicker) lots() *lottery { return p.lottery }

// Pick implements balancer.Picker.
func (p randomPicker) Pick(r *balancer.Request) (int, bool) {
	p.lottery.exclude(r)
	i := p.lottery.draw()
	p.lottery.readmit()
	return int(i), i != absent
}

// Open implements balancer.Picker.
func (p randomPicker) Open(i int, open bool) { p.lottery.open(int32(i), open) }

// Inherit implements balancer.Picker. All there is to take over is the sequence of draws.
func (p randomPicker) Inherit(predecessor balancer.Picker) { p.lottery.inherit(predecessor) }
