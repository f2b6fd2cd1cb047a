// Package dispatch decides whether a request takes a slot that is free, or waits for a better
// one. Numbers go in and numbers come out: it knows no pool, no queue and no clock.
//
// A request is held back, that is, made to wait though a slot is free, for one of two
// reasons. Both make the mean response time less:
//
//   - A long one leaves the last free slot to short ones. Most of those that come while it
//     runs are short, and would have to wait for it.
//   - Any leaves a slow slot, if to wait for a fast one and be served there takes far less time.
//
// Sizes has what predictions of work are worth, and Service how long an endpoint takes for a
// request: both are measured all the time. Tuning has the numbers that decisions go by.
//
//	action, until := dispatch.Tuned.Decide(&request, &fleet, now)
//	switch action {
//	case dispatch.Take: // any slot that is free
//	case dispatch.Mask: // one that is free, but of a seat that is Stale
//	case dispatch.Wait: // and be asked about again at until, if nothing happens before
//	}
package dispatch
