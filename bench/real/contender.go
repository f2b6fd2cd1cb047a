// Who takes part.

package real

import (
	"fmt"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/cost"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/bench/rival"
)

// contender is one way to share the requests.
type contender struct {
	name   string
	uses   string // the policy of the product; empty: it is another's rule
	shown  bool   // it has a curve in plots
	judged bool   // goals are about it, or compare with it
	policy func(seed uint64, gateways int) balancer.Builder
	slots  int // of each engine, in the mean over the fleet; 0: no limit, and no queue
	queue  balancer.QueueOptions
}

// against is the contender that all are compared with.
const against = "least_load"

// The queue of those who have one: nobody is ever sent away.
const (
	longestQueue = 1_000_000
	longestWait  = 1000 * time.Hour
	// patience is how long a request waits for an engine with little to read. After half of it nobody goes before it.
	patience = 10 * time.Minute
)

// queueSlots are HAProxy's maxconn, in the mean over the fleet.
var queueSlots = []int{16, 32, 64}

func queueName(slots int) string { return fmt.Sprintf("HAProxy queue, %d slots", slots) }

// contenders are all, ours first.
func contenders() []contender {
	list := []contender{
		ours("least_load", true), ours("least_cost", true), ours("capacity", false), ours("two_choices", false), ours("random", false),
	}
	ahead := ours(rule, true)
	ahead.name = queued
	ahead.queue = balancer.QueueOptions{Order: balancer.ShortestFirst, MaxRequests: longestQueue, MaxWait: patience, ReadAhead: 100 * time.Millisecond}
	list = append(list, ahead)
	for _, slots := range queueSlots {
		list = append(list, contender{
			name: queueName(slots), shown: slots == 32, judged: true, slots: slots,
			policy: func(uint64, int) balancer.Builder { return policy.LeastLoad() },
			queue:  balancer.QueueOptions{Order: balancer.FIFO, MaxRequests: longestQueue, MaxWait: longestWait, TakeAtOnce: true},
		})
	}
	for _, r := range []struct {
		make  func(rival.Options) balancer.Builder
		every time.Duration
		shown bool
	}{
		{make: rival.LeastConnections}, {make: rival.SessionHash}, {make: rival.BoundedHash},
		{make: rival.CacheAware, shown: true}, {make: rival.PrefixHash},
		{make: rival.LLMD, shown: true}, {make: rival.LLMD, every: time.Second}, {make: rival.LLMDPrecise},
		{make: rival.Dynamo, shown: true}, {make: rival.DynamoByCapacity},
		{make: rival.Preble}, {make: rival.AIBrix}, {make: rival.ProductionStack},
		{make: rival.UncachedTokens, shown: true}, {make: rival.UnreadTokens},
	} {
		name := r.make(rival.Options{Every: r.every}).Name()
		list = append(list, contender{name: name, shown: r.shown, policy: func(seed uint64, _ int) balancer.Builder {
			return r.make(rival.Options{Seed: seed, Every: r.every})
		}})
	}
	return list
}

// ours is a policy of the product by its name.
func ours(name string, shown bool) contender {
	return contender{name: name, uses: name, shown: shown, judged: name == rule, policy: func(seed uint64, gateways int) balancer.Builder {
		switch name {
		case "two_choices":
			return policy.TwoChoices(policy.Options{Seed: seed})
		case "least_cost":
			tuning := cost.Tuned
			tuning.Gateways = gateways
			return policy.LeastCost(policy.LeastCostOptions{Seed: seed, Tuning: tuning})
		case "random":
			return policy.Random(policy.Options{Seed: seed})
		}
		b, err := policy.Lookup(name)
		if err != nil {
			panic("BUG: " + err.Error())
		}
		return b
	}}
}
