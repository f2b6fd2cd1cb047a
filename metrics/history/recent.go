// The figures of the last minute.

package history

import (
	"math"
	"time"
)

// Finished is what is counted of a request that has ended.
type Finished struct {
	Upstream, Endpoint  string // no endpoint: it reached none
	Failed              bool   // by a fault of the gateway or of an endpoint; a client that left is none
	Response, FirstByte time.Duration
	Tokens              int // that were written
}

// Recent is the figures of about the last minute. A figure that is not known is NaN.
type Recent struct {
	Over        time.Duration // the time that they are of
	Requests    float64       // ended, per second
	ErrorRatio  float64       // of those
	Errors      uint64        // failed
	Tokens      float64       // written, per second
	ShareRatio  float64       // of the requests of its upstream that an endpoint has ended
	ResponseP50 float64       // seconds
	ResponseP95 float64
	FirstP50    float64
	FirstP95    float64
}

// The last minute is four whole parts and the one that has begun.
const (
	parts      = 5
	partLength = 15 * time.Second
)

// part is what was counted in one part of the last minute.
type part struct {
	requests, errors, tokens uint64
	response, first          sketch
}

// window is the last minute of one upstream or endpoint.
type window struct {
	ring  [parts]part
	at    int       // the part that has begun
	since time.Time // when counting began
	begun time.Time // when the part did

	// Of all time, so that a step of the history finds what came since the one before.
	requests, errors, tokens uint64

	seen bool // by the last step; others are forgotten
}

func newWindow(now time.Time) *window { return &window{since: now, begun: now} }

// advance begins as many parts as have passed.
func (w *window) advance(now time.Time) {
	passed := now.Sub(w.begun)
	if passed >= parts*partLength { // all of it is over
		w.ring, w.begun = [parts]part{}, now
		w.since = now
		return
	}
	for ; passed >= partLength; passed -= partLength {
		w.at = (w.at + 1) % parts
		w.ring[w.at] = part{}
		w.begun = w.begun.Add(partLength)
	}
}

// add counts a request in the part that has begun.
func (w *window) add(f *Finished, response, first int) {
	p := &w.ring[w.at]
	p.requests++
	w.requests++
	if f.Failed {
		p.errors++
		w.errors++
	}
	p.tokens += uint64(max(f.Tokens, 0))
	w.tokens += uint64(max(f.Tokens, 0))
	p.response.add(response)
	p.first.add(first)
}

// recent sums the parts up. ShareRatio is left to the caller.
func (w *window) recent(now time.Time) (r Recent, requests uint64) {
	w.advance(now)
	var sum part
	for i := range w.ring {
		p := &w.ring[i]
		sum.requests += p.requests
		sum.errors += p.errors
		sum.tokens += p.tokens
		sum.response.merge(&p.response)
		sum.first.merge(&p.first)
	}
	r.Over = min(now.Sub(w.since), now.Sub(w.begun)+(parts-1)*partLength)
	over := max(r.Over.Seconds(), 1)
	r.Requests, r.Tokens = float64(sum.requests)/over, float64(sum.tokens)/over
	r.Errors, r.ErrorRatio, r.ShareRatio = sum.errors, math.NaN(), math.NaN()
	if sum.requests > 0 {
		r.ErrorRatio = float64(sum.errors) / float64(sum.requests)
	}
	r.ResponseP50, r.ResponseP95 = sum.response.quantile(0.5), sum.response.quantile(0.95)
	r.FirstP50, r.FirstP95 = sum.first.quantile(0.5), sum.first.quantile(0.95)
	return r, sum.requests
}
