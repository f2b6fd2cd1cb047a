// Package admin serves the operator: metrics, health, readiness, the state of
// every endpoint, what happened, and draining. It listens on its own address with net/http,
// never on the data listener, and owns no state: it asks the Fleet at each
// request and writes to it only through Drain.
//
//	server := admin.New(admin.Options{
//		Fleet:   fleet,     // the pools, as the app sees them
//		Ready:   readiness, // may the gateway be sent requests?
//		Metrics: registry.Handler(),
//		Log:     log,
//	})
//	err := server.Run(ctx, listener) // until ctx ends
//
// routes.go has every route, openapi.json describes each, API.md is for people, and
// tests hold the three together. All answers but the exposition are JSON, errors too:
//
//	{"error": {"message": "no upstream is named chta", "known": ["chat"]}}
//
// There is no login: whoever reaches the address may drain. Web pages are kept out,
// because a browser on the operator's machine reaches the address too: requests under
// a host name that is not the listener's are refused, and so are changes that a page of
// another site sent (see browser.go). What the listener does at once is bounded
// (limit.go), so that clients' requests come first.
package admin
