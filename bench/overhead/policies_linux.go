// Measuring steelyard beside itself, under each policy.

package main

import (
	"context"
	"slices"
)

// policies measures steelyard beside itself: what choosing, counting and predicting cost, where nothing else differs.
func (l *lab) policies(ctx context.Context) error {
	var all []contender
	for _, c := range l.contenders {
		for _, p := range allPolicies {
			all = append(all, c.under(p))
		}
	}
	running, stop := l.startAll(ctx, all, false)
	defer stop()
	turns := targets(running)
	for round := range l.Rounds {
		for _, t := range turns {
			if err := l.measure(ctx, t, shared, round, saturate); err != nil {
				return err
			}
		}
		slices.Reverse(turns) // a round is long: what drifts in it must not always speak against the last
	}
	return l.observe(ctx, targets(running), shared, ".policies", saturate)
}
