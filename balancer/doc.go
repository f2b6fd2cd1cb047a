// Package balancer owns the fleet: which endpoints an upstream has, which of
// them may serve, which one serves the next request, who waits for one, and how
// much each has in flight. It knows neither HTTP nor configuration. POLICIES.md says
// what users see of it.
//
// A Pool is the only owner of one upstream's endpoints. One mutex guards its membership and
// its conditions. Apply, for the configuration, and SetCondition, for the one writer of each
// condition, change them; then they compute one Snapshot, which is O(n) in the pool's
// endpoints, and store it. A change is in force when the call returns. Changes that wait for
// the mutex at the same time share one snapshot.
//
// Acquire is the request path. It picks an endpoint under a second, short lock, and counts
// the request in flight at the endpoint's Load. A Load belongs to the address of a server: all
// pools that name the server share it, and it outlives them while leases are out.
//
// Where every endpoint is full, Enqueue lets the request wait. It gets its endpoint when a
// slot is freed: the goroutine that frees it gives it, under that same lock, to the first in
// the queue whom the endpoint can serve. So whenever nobody holds the lock, no slot is free
// that somebody who waits could have. That is why nobody overtakes, and why a change of
// slots, members or conditions leaves nobody waiting in vain. The one exception is a request
// that is held back, because to wait for a better slot makes the mean response time less:
// package dispatch decides that, by what is measured of each endpoint at every release.
//
// A seat is an eligible endpoint as the policy sees it. It is closed while any of its
// obstacles is there: it is full, out, on trial, or masked for one pick (obstacle.go).
// The queue serves the highest Request.Priority first.
//
// An endpoint is out while connections to it fail: it is left alone for a moment, longer each
// time, and then tried by one request at a time (outage.go). Whoever holds a Lease says
// Reached, or releases it as Answered, as soon as the endpoint is back. Where none can be
// reached all are used, as if nothing were known; but where there is a queue, requests wait
// for the first seconds of that. An endpoint that says "not now" (Outcome.PushBack) cools off for
// as long as it asks (cooling.go). One that comes back from an ejection or from failed probes is
// on trial first, and then its capacity and slots grow (comeback.go, trial.go). Endpoints of a
// later Tier are backups: they are candidates only while the tiers before them fall short
// (tiers.go). Of ejections only so many are obeyed that enough capacity is left (eligibility.go).
// Options.Notify is told of each such Transition.
//
// A pool may be empty (Options.MayBeEmpty). A new endpoint may have to arrive first: nobody counts on it, or misses it, until its first
// probe passes. While nobody else is there requests wait for those in the queue, for as long as Options.Hold says (hold.go).
//
// What servers say of themselves is kept at their Load for policies that go by it (engine.go). A
// Request that asks is told why it got its endpoint (choice.go).
//
// A policy may want to know more of requests than where they are (Wanter): their prompts, and the tokens of their answers as
// they pass. Then each server keeps count of what it has to read and to write (package cost), from the pick
// that gives it a request to the release of the lease. The state belongs to the server, as its Load does: pools share it.
//
//	pool := balancer.NewPool("chat", balancer.NewLoads())
//	rule, err := policy.Lookup("least_load")
//	err = pool.Apply(balancer.Options{Policy: rule}, []balancer.EndpointOptions{
//		{Name: "small", URL: "http://127.0.0.1:9001", Capacity: 100, Slots: 4},
//		{Name: "large", URL: "http://127.0.0.1:9002", Capacity: 200, Slots: 8},
//	})
//	lease, err := pool.Acquire(&balancer.Request{})
//	defer lease.Release(balancer.Outcome{Class: balancer.Answered})
package balancer
