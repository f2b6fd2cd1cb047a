// Package elastic holds rules that scale a fleet against each other, in virtual time: days of requests, replicas that
// take a time to start and that drain before they go, and one figure for what it costs beside one for what users bear.
//
// A course is what clients ask for: published hours, or generated days whose season the forecast has seen for four weeks.
// Requests are served one by one, exactly as by bench/engine's slots behind one queue (late binding): a request
// has a slot to itself and takes as long as its work. So nothing is fluid but the plan of the oracle. A test holds it
// against bench/sim.
//
// The rules are steelyard's own controller (metrics/autoscale) with and without the floor of its own forecast
// (metrics/forecast), those of others written anew from their sources, fleets of a fixed size, and an oracle that knows
// each request beforehand. Each is run over a sweep of its own target, and they are compared where their
// seconds over the objective are equal. A second is over the objective when a request that came in it waited
// longer than the target for a slot, or was refused. Costs are replica-hours, from the order to start to the end of the drain.
//
// RunLive is one day through sockets: the gateway as a program, its process actuator, and servers that take a time to start.
//
//	result, err := elastic.Run(ctx, elastic.Options{Seed: 1, Folder: "shared/traces"})
package elastic
