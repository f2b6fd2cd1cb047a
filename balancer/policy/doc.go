// Package policy has the rules by which an upstream's requests are shared among its
// eligible endpoints: one file per policy, and the registry from a configured name to the
// policy's builder. A policy is arithmetic over candidates, without locks and sockets. A clock
// can be given to it, and chance can be seeded, so that a simulation in virtual time runs
// the very same code. Only the pool that owns a picker calls it.
//
// Policies share three things. A schedule hands out turns in exact proportion to given parts
// (capacity, optimal_split). A lottery draws in proportion to capacity (random, two_choices).
// An indexHeap and a sumTree keep picks O(log n).
//
// The policy capacity starts at turn zero, unless it is told otherwise. So the share of each
// endpoint is exact to one request from the first request on, and one run is like the next.
// The price is that all replicas of a gateway start in the same place. They drift apart as
// soon as their traffic differs, since each counts its own requests. A new picker does not
// start again: it takes over what each endpoint that stays had beyond its share, or is owed.
// Replicas that get the same requests at the same time can be given CapacityOptions.Start;
// then shares are exact to two requests.
//
// A repeat, which excludes the endpoint that failed, takes a turn like any other request, and
// the shares stay within their bound. If so many repeats exclude an endpoint that it cannot be
// given its share, it loses the rest of it.
//
//	build, err := policy.Lookup("capacity")
//	picker := build.Build(candidates)
//	i, ok := picker.Pick(nil) // candidates[i] serves the request
package policy
