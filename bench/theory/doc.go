// Package theory has the formulas that measured and simulated response times stand
// beside: what a split of the traffic gives, which split is best, and below what no
// balancer can come. They are pure functions; each says where it is from.
//
// The fleet is the capacities C_i of n endpoints, in units of work per second, ΣC their
// sum; T is the requests that arrive per second, each with one unit of work on average,
// at random times independent of each other. Capacities and T must be positive. R is the
// mean response time in seconds, waiting included; it is +Inf where more work arrives
// than is done.
//
//	fleet := []float64{100, 200, 150}
//	theory.ProportionalSplit(fleet, 300).Mean // 0.0200
//	theory.OptimalSplit(fleet, 300).Mean      // 0.0194
//	theory.PooledBound(fleet, 300)            // 0.0067
package theory
