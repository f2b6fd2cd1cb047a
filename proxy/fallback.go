// Going to another upstream where the one that was meant has no endpoint.

package proxy

import (
	"errors"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// fallsBack takes the request to the fallback of its upstream, if there is one and err says that
// no endpoint is eligible. None may have read it so far: what one could not serve is no other
// upstream's business. From then on the request is one of the fallback's, but for the total
// time-out.
func (x *exchange) fallsBack(err error) bool {
	to := x.upstream.Fallback
	if to == nil || !errors.Is(err, balancer.ErrNoEndpoint) || x.history.Read > 0 || !x.repeatable() {
		return false
	}
	x.upstream.Metrics.FellBack()
	x.upstream = to
	x.history.tried, x.history.Moved = nil, 0
	x.predict() // by what is known there
	return true
}
