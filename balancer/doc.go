// Package balancer owns the fleet: which endpoints an upstream has, which of
// them may serve, which one serves the next request, and how much each has in
// flight. It knows neither HTTP nor configuration.
//
// A Pool is the only owner of one upstream's endpoints. One mutex guards its
// membership and conditions; Apply (the configuration) and SetCondition (one
// writer per condition) change them, compute one Snapshot, O(n) over the pool's
// endpoints, and store it once. A change is in force when the call returns: bursts
// are not held back to coalesce in time, but changes that wait for the mutex
// together share one snapshot.
//
// Acquire is the request path: it loads the snapshot, picks under one short lock
// of the pool, and counts the request in flight at the endpoint's Load. The lock
// is the pool's, not the picker's, so that a new picker takes over its
// predecessor's phase and is published in one step: no pick falls between the
// two. A Load belongs to a server's address and outlives snapshots, Apply and
// removal for as long as leases are out.
//
//	loads := balancer.NewLoads()
//	pool := balancer.NewPool("chat", loads)
//	rule, err := policy.Lookup("capacity")
//	err = pool.Apply(balancer.Options{Policy: rule}, []balancer.EndpointOptions{
//		{Name: "small", URL: "http://127.0.0.1:9001", Capacity: 100},
//		{Name: "large", URL: "http://127.0.0.1:9002", Capacity: 200},
//	})
//	lease, err := pool.Acquire(&balancer.Request{})
//	defer lease.Release(balancer.Outcome{Class: balancer.Answered, Status: 200})
package balancer
