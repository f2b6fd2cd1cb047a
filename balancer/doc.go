// Package balancer owns the fleet: which endpoints an upstream has, which of
// them may serve, which one serves the next request, who waits for one, and how
// much each has in flight. It knows neither HTTP nor configuration. POLICIES.md says
// what users see of it.
//
// A Pool is the only owner of one upstream's endpoints. One mutex guards its
// membership and conditions; Apply (the configuration) and SetCondition (one
// writer per condition) change them, compute one Snapshot, O(n) over the pool's
// endpoints, and store it once. A change is in force when the call returns; changes
// that wait for the mutex together share one snapshot.
//
// Acquire is the request path: it picks under a second, short lock and counts the
// request in flight at the endpoint's Load, which belongs to a server's address, is
// shared by all pools that name it, and outlives them while leases are out. Where
// every endpoint is full, Enqueue lets the request wait, and it is bound only when a
// slot is free: the goroutine that frees one gives it, under that lock, to the first
// in the queue that the endpoint can serve. Whenever the lock is let go, no endpoint
// that anybody who waits could have has a slot free; that is why nobody overtakes, and why a
// change of slots, members or conditions leaves nobody behind. The one exception is
// requests that are held back for the sake of the mean: holdback.go has the two reasons, and
// how long it may last. They go by what is measured of each endpoint at every release.
//
// An endpoint to which connections fail is left alone for a moment, longer each time, and
// then tried by one request at a time: whoever holds a Lease says Reached or Answered as
// soon as it is back. Where none can be reached all are used, as if nothing were known; but
// where there is a queue, requests wait for the first seconds of that.
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
