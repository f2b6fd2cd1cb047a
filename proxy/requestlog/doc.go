// Package requestlog writes down what requests asked for and what became of them, and nothing
// of what they say: a CSV row for each, to learn from and to look into. REQUESTLOG.md beside
// the proxy says what the columns are.
//
// A Log takes rows from any goroutine and writes them off the request path. They wait in memory for
// up to a second. When they come faster than they can be written, or the disk takes none, they are
// dropped and counted. The file is rotated; anybody may move or remove it at any time. A Reader
// reads such files again, in whatever order their columns are.
//
//	l, err := requestlog.Open(requestlog.Options{Path: "requests.csv", Log: log})
//	go l.Run(ctx)
//	l.Write(requestlog.Row{Upstream: "chat", Status: 200})
package requestlog
