// Package foresight holds what metrics/forecast foretells against what came: public series, where their files are given,
// and generated weeks with a season, a trend, a change of clocks, an outage, a launch, a crowd.
//
// It goes by a rolling origin: a series is shown one step after the other, and what it says of later steps is kept until
// those come. Nothing is seen ahead, and nothing is fitted on a series as a whole. The error is that of the middle of the
// band over that of the same time yesterday or last week, whichever is better on the same steps (MASE).
//
// The generator knows nothing of the models: it has rules and chance of its own.
//
//	result, err := foresight.Run(ctx, foresight.Options{Seed: 1, Folder: "shared/traces"})
package foresight
