// Who takes part.

package live

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/peers"
)

// The policies of steelyard that goals are about: the rule, and what it is held against beside the peers.
const (
	rule    = "least_cost"
	against = "least_load"
)

// contender is one proxy as it is set up.
type contender struct {
	name    string
	program string
	policy  string // of steelyard
	slots   int    // of each engine, in the mean over all; 0: no limit
	queue   bool   // of least_cost, for engines that have enough to read
}

// The queue of least_cost, in the engines' time.
const (
	readAhead = 100 * time.Millisecond
	queueWait = 2 * time.Minute // after half of which a request goes before all that came after it
)

// scaledTime is a time of the engines by the clock.
func scaledTime(d time.Duration, speed float64) time.Duration {
	return time.Duration(float64(d) / speed)
}

// contenders are those whose program is there, peers first.
func (o Options) contenders() (list []contender) {
	if _, there := o.Programs[peers.Nginx]; there {
		list = append(list, contender{name: "nginx least_conn", program: peers.Nginx})
	}
	if _, there := o.Programs[peers.HAProxy]; there {
		for _, slots := range o.Slots {
			list = append(list, contender{name: fmt.Sprintf("HAProxy maxconn %d", slots), program: peers.HAProxy, slots: slots})
		}
	}
	for _, policy := range o.Policies {
		list = append(list, contender{name: "steelyard " + policy, program: peers.Steelyard, policy: policy})
		if policy == rule {
			list = append(list, contender{name: "steelyard " + policy + " + queue", program: peers.Steelyard, policy: policy, queue: true})
		}
	}
	return list
}

func (c contender) peer() bool { return c.program != peers.Steelyard }

// limits are the slots of each engine, in proportion to capacity; none without a limit.
func (c contender) limits(capacities []float64) []int {
	if c.slots == 0 {
		return make([]int, len(capacities))
	}
	sum := 0.0
	for _, capacity := range capacities {
		sum += capacity
	}
	limits := make([]int, len(capacities))
	for i, capacity := range capacities {
		limits[i] = max(int(math.Round(float64(c.slots*len(capacities))*capacity/sum)), 1)
	}
	return limits
}

// scaled are the capacities as somebody is told them whose clock is another.
func scaled(capacities []float64, by float64) []float64 {
	told := slices.Clone(capacities)
	for i := range told {
		told[i] *= by
	}
	return told
}
