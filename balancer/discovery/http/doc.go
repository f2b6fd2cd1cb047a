// Package http finds endpoints in a list at a URL: JSON or YAML in the shapes that package discovery reads, that
// of Prometheus' http_sd among them.
//
// It asks every Interval, with the ETag of the last answer, so that a list that has not changed costs little. What it
// reads is bounded in bytes and time. The token and the authorities are read from their files each time they may have changed. Messages
// name the host alone: the rest of a URL may be secret.
//
//	source, err := http.New(http.Options{URL: "https://fleet.example/endpoints"})
//	source.Run(ctx, sink)
package http
