// Where a request had better wait until its endpoint has less to read.

package policy

import (
	"math"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/cost"
)

// Bind implements balancer.Binder.
func (p *leastCostPicker) Bind(r *balancer.Request, ahead []int64) (int, bool) {
	p.ahead = ahead
	defer func() { p.ahead = nil }()
	return p.Pick(r)
}

// Cost implements balancer.Binder.
func (p *leastCostPicker) Cost(r *balancer.Request, i int, ahead int64) float64 {
	ask := p.ask(r)
	parts := p.quote(i, &ask, ahead)
	return min(parts.Sum(), math.MaxFloat64)
}

// Work implements balancer.Binder.
func (p *leastCostPicker) Work(r *balancer.Request, i int) int64 {
	ask := p.ask(r)
	server := p.candidates[i].Endpoint.Load().Server()
	server.Lock()
	defer server.Unlock()
	return server.Work(&ask)
}

// Ready implements balancer.Binder.
func (p *leastCostPicker) Ready(i int, within time.Duration) (ready bool, when time.Duration) {
	if !p.allows(int32(i)) && p.othersAllowed() {
		return false, 0
	}
	e := p.candidates[i].Endpoint
	server := e.Load().Server()
	server.Lock()
	defer server.Unlock()
	return server.Ready(p.learned, cost.Place{Capacity: p.parts[i]}, within, e.Now())
}

// othersAllowed reports whether any open candidate may have a request that is not for those who have had their part.
func (p *leastCostPicker) othersAllowed() bool {
	for i := range p.candidates {
		if p.lottery.in.at(int32(i)) > 0 && p.allows(int32(i)) {
			return true
		}
	}
	return false
}
