// Package admin serves the operator: metrics, health, readiness, the state of
// every endpoint, and draining. It listens on its own address with net/http,
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
// There is no login: who reaches the address may drain. Web pages are kept out,
// because a browser on the operator's machine reaches the address as well: requests
// under a name that is not the listener's are refused, and so are those that change
// something where a page of another site sent them (see browser.go). What is done at
// once is bounded (limit.go): requests come first.
package admin
