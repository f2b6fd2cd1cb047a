package proxy

import (
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// PickField is what an answer says of a choice.
func PickField(endpoint string, why balancer.Choice) string {
	return string((&attempt{target: &Target{Name: endpoint}, why: why}).appendPick(nil))
}

// Quota lets one line through in a while.
type Quota = quota

// Pass says whether a line may be written now, and how many were left out since the last.
func (q *quota) Pass(now time.Duration) (leftOut int64, ok bool) { return q.pass(now) }
