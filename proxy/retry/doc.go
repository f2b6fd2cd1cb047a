// Package retry decides what becomes of a request whose attempt has failed: whether it is
// given up, sent again on a fresh connection, or taken to another endpoint. It is told what
// happened and says what is next; the caller does it.
//
//	switch retry.Default.Next(history, failure) {
//	case retry.Resend: …
//
// Two rules stand above all others. What has reached the client is never taken back, so nobody
// asks here once an answer has begun. And a server that may have read a request may have worked
// on it, or died of it: such a request never goes to another endpoint.
package retry
