// Where a request had better wait until its endpoint has less to read.

package policy

import (
	"cmp"
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
	return min(parts.Sum()/cmp.Or(p.candidates[i].Ramp, 1), math.MaxFloat64)
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
	e := p.candidates[i].Endpoint
	server := e.Load().Server()
	server.Lock()
	defer server.Unlock()
	return server.Ready(p.learned, cost.Place{Capacity: p.parts[i]}, within, e.Now())
}
