// Package rival has the rules by which other systems choose an engine, written anew from their sources and papers, as
// policies for simulations. They say what a user would get elsewhere on the same traces and engines.
//
// A rule is a balancer.Builder, and hears through sim.Follower what a gateway of its own would see: which of its requests
// went where, the tokens of their answers, and what engines say of themselves, with its age. What its source counts in
// requests is counted in requests here, and what has no weights there has none here. Each gateway of a run has its own
// view, and knows nothing of the others.
//
// Left out of all: what they do about failures, sessions that are pinned by hand, and the time they take to choose.
//
//	results, err := sim.Run(sim.Options{Endpoints: fleet, Policy: rival.LLMD(rival.Options{Seed: 1})}, t)
package rival
