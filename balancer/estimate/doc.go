// Package estimate measures what endpoints can do from the requests they have
// finished: their capacity C, in units of work per second, and their slots K,
// how many requests they work on at once. It is numbers in, numbers out: the
// proxy tells a Meter of each finished request, and somebody calls Tick once a
// second and gives the pool what comes back.
//
// Both stand on one figure, the time per unit of work
//
//	τ = Σ service time / Σ work
//
// of the requests that an endpoint finished. While it is busy, with K requests
// at once, it does K units of work in τ seconds, so C = K/τ. Requests that were
// alone on a server that batches say little of that: only those that began
// with at least three quarters of the slots in use count for the capacity. An
// idle spell brings no requests and so changes nothing.
//
// Slots are found by the gradient of τ over the requests in flight: up to K it is
// flat, so that the rate n/τ(n) grows with n, and beyond K it grows like n, because
// requests wait inside the server. The limit begins above most knees, goes down to
// this one's, and looks one step beyond now and then, if it was reached meanwhile.
//
// Work has no unit of its own, so capacities learned from it are only known up to
// a factor. Tick fixes it: the capacities of an upstream always sum to what was
// configured. When the unit of predictions changes, Forget begins anew.
//
//	u := estimate.New([]estimate.Options{{Capacity: 100, AutoCapacity: true, Slots: 1}, {Capacity: 100, AutoCapacity: true, Slots: 1}})
//	u.Meter(0).Finished(1.2, 30*time.Millisecond, 1) // from any goroutine
//	now := u.Tick(time.Second)                       // capacity and slots of each
//
// Endpoints may outlive their Upstream: Of puts those that there are now together.
package estimate
