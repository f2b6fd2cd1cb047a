// Policies on fleets of many sizes.

package lab

import (
	"context"
	"fmt"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/bench/sim"
)

// fleets measures each policy on each size.
func (l *Lab) fleets(ctx context.Context) (list []report.Fleet, err error) {
	requests := 0
	for _, n := range l.scenario.Sizes {
		requests += fleetRequests(n)
	}
	l.steps.begin(simulationTakes(requests * len(l.scenario.Contenders)))
	for _, c := range l.scenario.Contenders {
		for _, n := range l.scenario.Sizes {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			takes := simulationTakes(fleetRequests(n))
			l.steps.at(fmt.Sprintf("%s over %d endpoints", c.Policy, n), takes, 0)
			result, err := sim.Scale(sim.ScaleOptions{Endpoints: n, Policy: builder(c.Policy, l.options.Seed, new(sim.Clock)), Seed: l.options.Seed})
			if err != nil {
				return nil, fmt.Errorf("policy %s over %d endpoints: %w", c.Policy, n, err)
			}
			list = append(list, report.Fleet{Policy: c.Policy, Endpoints: n, PickNanos: float64(result.Cost) / float64(time.Nanosecond),
				Misplaced: result.Misplaced, Farthest: result.Farthest})
			l.steps.end(takes)
		}
	}
	return list, nil
}

// fleetRequests is how many sim.Scale makes of its own, about.
func fleetRequests(endpoints int) int { return max(4000, 100*endpoints) + 100_000 }
