// What is counted about one endpoint.

package metrics

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/cpu"
)

// Endpoint holds what is counted about one endpoint of one upstream. Its
// methods take no lock, allocate nothing and are safe for concurrent use; each
// field below is written by the method that names it, from any goroutine.
type Endpoint struct {
	upstream, name string // immutable

	requests  [len(classLabels)]atomic.Uint64 // Answered
	response  histogram                       // Answered
	firstByte histogram                       // Answered
	overhead  histogram                       // Answered

	// AddBytes is called for each chunk of a stream: it has a cache line of its
	// own, so that streams do not slow the requests that end on other cores.
	_     cpu.CacheLinePad
	bytes [flows]atomic.Uint64 // AddBytes
	_     cpu.CacheLinePad

	truncated  atomic.Uint64                           // Truncated
	repeats    [repeatReasons]atomic.Uint64            // Repeated
	opened     atomic.Uint64                           // ConnectionOpened
	reused     atomic.Uint64                           // ConnectionReused
	stale      atomic.Uint64                           // ConnectionStale
	probes     [probeResults]atomic.Uint64             // Probed
	probeNanos atomic.Uint64                           // Probed
	lookups    [lookupResults]atomic.Uint64            // LookedUp
	named      atomic.Bool                             // LookedUp
	ejections  [ejectionModes][detectors]atomic.Uint64 // Ejected
	slowing    atomic.Uint64                           // Slowing

	_        cpu.CacheLinePad            // what follows is written for each prompt
	prompted atomic.Bool                 // PromptSent, PromptRead
	prompts  [promptCounts]atomic.Uint64 // PromptSent, PromptRead
}

// What is counted of prompts.
const (
	promptBytes = iota
	expectedBytes
	promptTokens
	cachedTokens
	promptCounts
)

func newEndpoint(upstream, name string) *Endpoint {
	return &Endpoint{
		upstream:  upstream,
		name:      name,
		response:  newHistogram(endpointBounds),
		firstByte: newHistogram(endpointBounds),
		overhead:  newHistogram(overheadBounds),
	}
}

// Answered counts one request that ended at this endpoint, whoever wrote the
// answer: code is the status the client got, or 499 when it had left.
//
// response is the response time R: from the first byte of the request to the
// last byte of the answer. firstByte is the time from the first byte of the
// request to the first byte of the endpoint's answer. overhead is the time
// spent in steelyard itself: R without the waits for the endpoint and the
// client. A duration of zero or less was not measured (no answer came; a
// tunnel, whose length says nothing) and is left out of its histogram.
func (e *Endpoint) Answered(code int, response, firstByte, overhead time.Duration) {
	e.requests[class(code)].Add(1)
	e.response.observe(response)
	e.firstByte.observe(firstByte)
	e.overhead.observe(overhead)
}

// AddBytes counts n bytes of a message, its header included, as they were
// before TLS. n must not be negative.
func (e *Endpoint) AddBytes(t Traffic, n int) { e.bytes[t].Add(uint64(n)) }

// Received is how many bytes of messages came from the endpoint so far.
func (e *Endpoint) Received() uint64 { return e.bytes[FromUpstream].Load() }

// Ejected counts one ejection of the endpoint, or one that would have been.
func (e *Endpoint) Ejected(mode EjectionMode, by Detector) { e.ejections[mode][by].Add(1) }

// Slowing counts one warning that the endpoint becomes slower.
func (e *Endpoint) Slowing() { e.slowing.Add(1) }

// Truncated counts one answer that the endpoint cut short after the client
// had got the beginning.
func (e *Endpoint) Truncated() { e.truncated.Add(1) }

// Repeated counts one request that failed at this endpoint and was sent
// again, to this endpoint or another.
func (e *Endpoint) Repeated(why RepeatReason) { e.repeats[why].Add(1) }

// PromptSent counts a prompt of so many bytes, of which the endpoint has likely read so many before.
func (e *Endpoint) PromptSent(bytes, expected int64) {
	e.prompt(promptBytes, bytes, expectedBytes, expected)
}

// PromptRead counts a prompt of so many tokens, of which so many were in the engine's cache, by its
// own words.
func (e *Endpoint) PromptRead(tokens, cached int) {
	e.prompt(promptTokens, int64(tokens), cachedTokens, int64(cached))
}

func (e *Endpoint) prompt(all int, n int64, part int, of int64) {
	if !e.prompted.Load() {
		e.prompted.Store(true)
	}
	e.prompts[all].Add(uint64(max(n, 0)))
	if of > 0 {
		e.prompts[part].Add(uint64(of))
	}
}

// ConnectionOpened counts one connection made to the endpoint for requests.
func (e *Endpoint) ConnectionOpened() { e.opened.Add(1) }

// ConnectionReused counts one request sent on a connection that was idle.
func (e *Endpoint) ConnectionReused() { e.reused.Add(1) }

// ConnectionStale counts one idle connection found dead when it was wanted.
func (e *Endpoint) ConnectionStale() { e.stale.Add(1) }

// LookedUp counts one look-up of the endpoint's name.
func (e *Endpoint) LookedUp(result LookupResult) {
	e.named.Store(true)
	e.lookups[result].Add(1)
}

// Probed counts one probe of the endpoint that took the given time.
func (e *Endpoint) Probed(result ProbeResult, took time.Duration) {
	e.probes[result].Add(1)
	e.probeNanos.Add(uint64(max(took, 0)))
}

// Wear is what tells of a server that ages, since the start.
type Wear struct {
	Answers, Truncated uint64 // answers that ended, and those of them that were cut short
	Reused, Stale      uint64 // connections that were idle when they were wanted, and those of them that were dead
}

// Wear returns it as it is now.
func (e *Endpoint) Wear() (w Wear) {
	for i := range e.requests {
		w.Answers += e.requests[i].Load()
	}
	w.Truncated, w.Stale = e.truncated.Load(), e.stale.Load()
	w.Reused = e.reused.Load() + w.Stale
	return w
}
