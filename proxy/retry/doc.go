// Package retry decides what becomes of a request whose attempt has failed: whether it is
// given up, sent again on a fresh connection, or taken to another endpoint. It is told what
// happened and says what is next; the caller does it.
//
//	switch policy.Next(history, failure) {
//	case retry.Move:
//		if budget.Take(now, policy.Ratio, underWay) { …
//
// Three rules stand above all others. What has reached the client is never taken back, so nobody
// asks here once an answer has begun. A server that may have read a request may have worked
// on it: it is done again only where that does no harm. And it may have died of it: a request
// over which two servers broke off goes to no third.
//
// A [Budget] keeps retries from becoming a flood when everything fails.
package retry
