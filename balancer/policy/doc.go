// Package policy has the rules by which an upstream's requests are shared among its
// eligible endpoints: one file per policy, and the registry from a configured name to the
// policy's builder. It is arithmetic over candidates: no lock, no sockets, no clock that
// cannot be given, and no chance that a seed cannot pin, so that a simulation in virtual
// time runs the very same code. The pool that owns a picker is the only one to call it.
//
// What policies share: schedule hands out turns in exact proportion to parts (capacity,
// optimal_split), lottery draws in proportion to capacity (random, two_choices),
// indexHeap and sumTree are what keeps picks O(log n).
//
// The policy capacity starts at turn zero by default, in the running program too: the
// share of every endpoint is then exact to one request from the first one on, and one
// run is like the next. What that costs is that replicas start in the same place. They
// drift apart as soon as their traffic differs, because each counts its own requests,
// and a rebuild is no restart: a new picker takes over what each endpoint that stays had
// beyond its share or is owed. Replicas that are fed in lock-step can be given
// CapacityOptions.Start, at the price of a bound of two requests from the start.
//
// A repeat, which excludes the endpoint that failed, takes a turn like any other request
// and the shares stay within their bound. Only where an endpoint cannot be given its
// share, because too many of its requests end elsewhere, is the rest of it written off.
//
//	build, err := policy.Lookup("capacity")
//	picker := build.Build(candidates)
//	i, ok := picker.Pick(nil) // candidates[i] serves the request
package policy
