// Package estimate measures what endpoints can do from the requests they have
// finished: their capacity C, in units of work per second, and their slots K,
// how many requests they work on at once. It is numbers in, numbers out: the
// proxy tells a Meter of each finished request, and somebody calls Tick once a
// second and gives the pool what comes back.
//
// Both come from one figure, the time per unit of work
//
//	τ = Σ service time / Σ work
//
// of the requests that an endpoint has finished. While it is busy, with K requests
// at once, it does K units of work in τ seconds, so C = K/τ. A request that was
// alone on a server that works in batches says little of that. So only requests
// that began with at least three quarters of the slots in use count for the
// capacity. While the endpoint is idle nothing changes.
//
// Slots are found by how τ grows with n, the number of requests in flight. Up to K
// it hardly does, so that the rate n/τ(n) grows with n. Beyond K it grows like n,
// because requests wait inside the server, and the rate stays what it is. The limit
// comes down to K only where both are clear. From there it tries a step more now and then.
//
// An engine that batches is another case: τ grows from the second request on, and less than n at any
// n, so that the rate never quite stops growing. A limit would only make its batch smaller: in
// simulations of such engines 8 or 16 slots made the mean response time many times as long. It gets
// one that is four times what it has had, 64 at least.
//
// Work has no unit of its own, so that capacities learned from it are known only up
// to a factor. Tick chooses it such that the capacities of an upstream sum to what
// was configured. Predictions come as multiples of their mean: what learning changes
// about them, it changes for all endpoints alike.
//
//	u := estimate.New([]estimate.Options{{Capacity: 100, AutoCapacity: true, Slots: 1}, {Capacity: 100, AutoCapacity: true, Slots: 1}})
//	u.Meter(0).Finished(1.2, 30*time.Millisecond, 1) // from any goroutine
//	now := u.Tick(time.Second)                       // capacity and slots of each
//
// Endpoints may outlive their Upstream: Of puts those that there are now together.
package estimate
