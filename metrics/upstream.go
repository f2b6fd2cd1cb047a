// What is counted about one upstream apart from its endpoints.

package metrics

import (
	"sync"
	"sync/atomic"
	"time"
)

// Upstream holds what is counted about one upstream apart from its endpoints.
// The upstream named "" stands for requests that were refused before they had
// one. Methods take no lock, allocate nothing and are safe for concurrent use;
// each field is written by the method that names it, from any goroutine.
type Upstream struct {
	name string // immutable

	requests  [len(classLabels)]atomic.Uint64 // Answered
	cancelled [phases]atomic.Uint64           // Cancelled
	bytes     [flows]atomic.Uint64            // AddBytes
	queueWait histogram                       // Queued
	unqueued  [unqueuedReasons]atomic.Uint64  // Unqueued
	early     atomic.Uint64                   // BegunWaiting
	hedged    [hedgeResults]atomic.Uint64     // Hedged
	unretried atomic.Uint64                   // RetryRefused
	fellBack  atomic.Uint64                   // FellBack
	overhead  histogram                       // of endpoints that are gone; Forget
	failed    sync.Map                        // Failure -> *atomic.Uint64; Failed
}

func newUpstream(name string) *Upstream {
	return &Upstream{name: name, queueWait: newHistogram(responseBounds), overhead: newHistogram(overheadBounds)}
}

// Answered counts one request that was answered, or given up with 499, without
// any endpoint: refused, unroutable, or while no endpoint was eligible. It
// appears in steelyard_requests_total with an empty endpoint.
func (u *Upstream) Answered(code int) { u.requests[class(code)].Add(1) }

// Cancelled counts one request whose client left in the given phase. The
// request is counted as answered with 499 besides.
func (u *Upstream) Cancelled(p Phase) { u.cancelled[p].Add(1) }

// Queued counts one request that got a slot after waiting for that time.
func (u *Upstream) Queued(wait time.Duration) { u.queueWait.observe(wait) }

// Unqueued counts one request that was refused for want of a slot.
func (u *Upstream) Unqueued(why UnqueuedReason) { u.unqueued[why].Add(1) }

// BegunWaiting counts one stream that was begun while its request waited for a slot.
func (u *Upstream) BegunWaiting() { u.early.Add(1) }

// Hedged counts one request that was sent to a second endpoint beside the first.
func (u *Upstream) Hedged(result HedgeResult) { u.hedged[result].Add(1) }

// RetryRefused counts one request that was not tried again, as the budget for retries was spent.
func (u *Upstream) RetryRefused() { u.unretried.Add(1) }

// FellBack counts one request that went to the upstream's fallback, as no endpoint was eligible.
func (u *Upstream) FellBack() { u.fellBack.Add(1) }

// Failure is how a request failed: the code of proxy/ERRORS.md, and whose fault it was
// (client, upstream or steelyard). Both come from lists in the program, never from
// requests.
type Failure struct{ Code, Source string }

// Failed counts one request that failed, whether the client got an answer or was cut off.
// Only the first of its kind takes a lock.
func (u *Upstream) Failed(f Failure) {
	n, ok := u.failed.Load(f)
	if !ok {
		n, _ = u.failed.LoadOrStore(f, new(atomic.Uint64))
	}
	n.(*atomic.Uint64).Add(1)
}

// AddBytes counts bytes of a request that had no endpoint; see
// Endpoint.AddBytes.
func (u *Upstream) AddBytes(t Traffic, n int) { u.bytes[t].Add(uint64(n)) }
