// What is counted of the requests of one user, model, upstream or hour.

package usage

import "time"

// Counts are what the requests of somebody or something were together.
type Counts struct {
	Requests uint64
	Errors   uint64 // that failed by an engine or by us
	Aborts   uint64 // whose client left
	Retries  uint64 // that asked again for what had not been answered

	PromptTokens, CachedTokens, CompletionTokens uint64 // as engines said
	PromptBytes, AnswerBytes                     uint64
	Service                                      float64 // seconds
}

// counts are those of the row.
func (r *Row) counts() Counts {
	c := Counts{
		Requests: 1, PromptTokens: natural(r.PromptTokens), CachedTokens: natural(r.CachedTokens), CompletionTokens: natural(r.CompletionTokens),
		PromptBytes: natural(r.PromptBytes), AnswerBytes: natural(r.Written), Service: max(r.Service.Seconds(), 0),
	}
	if r.Failed() {
		c.Errors = 1
	}
	if r.Aborted() {
		c.Aborts = 1
	}
	if r.Retry > 0 {
		c.Retries = 1
	}
	return c
}

// natural is a count, which is not below zero.
func natural(n int) uint64 { return uint64(max(n, 0)) }

func (c *Counts) merge(o *Counts) {
	c.Requests += o.Requests
	c.Errors += o.Errors
	c.Aborts += o.Aborts
	c.Retries += o.Retries
	c.PromptTokens += o.PromptTokens
	c.CachedTokens += o.CachedTokens
	c.CompletionTokens += o.CompletionTokens
	c.PromptBytes += o.PromptBytes
	c.AnswerBytes += o.AnswerBytes
	c.Service += o.Service
}

// Use is Counts and how long requests took.
type Use struct {
	Counts
	Response  Sketch // of those that were answered whole, in seconds
	FirstByte Sketch // of those that got one, in seconds: also how long they were waited for
	Left      Sketch // after how many seconds of waiting for it clients left
}

func newUse(fine bool) *Use {
	return &Use{Response: Sketch{Fine: fine}, FirstByte: Sketch{Fine: fine}, Left: Sketch{Fine: fine}}
}

// marks are the times of a row, as sketches take them.
type marks struct{ response, firstByte, left mark }

func (r *Row) marks() marks {
	m := marks{response: mark{none: true}, firstByte: markOf(r.FirstByte.Seconds()), left: mark{none: true}}
	if !r.Aborted() && !r.Failed() {
		m.response = markOf(r.Response.Seconds())
	}
	if waited, left := r.left(); left {
		m.left = markOf(waited.Seconds())
	}
	return m
}

func (u *Use) add(c *Counts, m *marks) {
	u.Counts.merge(c)
	u.mark(m)
}

func (u *Use) mark(m *marks) {
	u.Response.put(m.response)
	u.FirstByte.put(m.firstByte)
	u.Left.put(m.left)
}

func (u *Use) merge(o *Use) {
	u.Counts.merge(&o.Counts)
	u.Response.Merge(&o.Response)
	u.FirstByte.Merge(&o.FirstByte)
	u.Left.Merge(&o.Left)
}

// left says whether the client left while it waited for the first byte, and how long it had waited. One that leaves
// while it sends has not waited for us.
func (r *Row) left() (waited time.Duration, left bool) {
	return r.Response, r.Aborted() && r.FirstByte == 0 && r.Phase != "read"
}
