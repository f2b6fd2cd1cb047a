// Package history remembers the recent past for people: of each upstream and endpoint the
// figures of the last minute, and of the last hour a point every five seconds.
//
//	h := history.New(time.Now())
//	h.Add(time.Now(), history.Finished{Upstream: "chat", Endpoint: "small", Response: time.Second}) // of each request that has ended
//	h.Step(time.Now(), states)                                                                      // every five seconds
//	last := h.Recent("chat", "small")
//	lines, err := h.Query(history.Query{Series: []string{"requests:chat"}, From: from, To: to})
//
// Memory is fixed: 720 points of each series, and MostSeries series. Nothing here is on the
// request path: rows come from a queue, states from whoever steps.
package history
