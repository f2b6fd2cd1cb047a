// Package admin serves the operator: metrics, health, readiness, the state of
// every endpoint, what happened, draining, and a page that shows it all. It listens on its own address with net/http,
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
// The page (package page) asks for a snapshot each second, which is made once for all who
// watch (viewers.go), and for points of the last hour.
//
// Who may: without Options.Token whoever reaches the address; with it whoever shows the token,
// or the cookie that the page got for it (access.go). /healthz, /readyz and the page's own
// files are open. Web pages of others are kept out, because a browser on the operator's machine
// reaches the address too: requests under a host name that is not the listener's are
// refused, and so is what a page of another site reads or changes (browser.go). What the
// listener does at once is bounded (limit.go), so that clients' requests come first.
package admin
