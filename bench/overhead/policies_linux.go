package main

import (
	"context"
	"slices"

	"github.com/steelyard-proxy/steelyard/bench/overhead/contender"
)

// policies measures steelyard beside itself: what choosing, counting and predicting cost, where nothing else differs.
func (l *lab) policies(ctx context.Context) error {
	var kinds []contender.Kind
	for _, kind := range l.kinds {
		for _, p := range contender.Policies {
			kinds = append(kinds, kind.Under(p))
		}
	}
	running, stop := l.startAll(ctx, kinds, false)
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
