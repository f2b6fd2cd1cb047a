// Package requestlog writes down what requests asked for and what became of them, and nothing
// of what they say: a CSV row for each, to learn from and to look into. REQUESTLOG.md beside
// the proxy says what the columns are.
//
// A Log takes rows from any goroutine and writes them away from the request path: they wait
// in memory for up to a second, and when they come faster than they can be written, or the
// disk takes none, they are dropped and counted. Its file is rotated, and moved or removed by
// whoever likes. A Reader reads such files again, whatever order their columns have.
//
//	l, err := requestlog.Open(requestlog.Options{Path: "requests.csv", Log: log})
//	go l.Run(ctx)
//	l.Write(requestlog.Row{Upstream: "chat", Status: 200})
package requestlog
