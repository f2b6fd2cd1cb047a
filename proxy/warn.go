// One warning of a kind in a while, where all requests fail alike.

package proxy

import (
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// warnEvery is the least time between two warnings of one kind about one upstream.
const warnEvery = time.Second

// warnings are of what no single endpoint is to blame for: under overload every
// request fails alike, and a line for each would bury the others. All of them are
// in the metrics and the access log. Safe for concurrent use, without a lock once
// a kind has been seen.
type warnings struct {
	kinds sync.Map // of warning to *quota
}

// warning is what a line is one of many of.
type warning struct{ upstream, code string }

// quota lets one line through in a while.
type quota struct {
	next    atomic.Int64 // the moment from which on the next line may be; by who writes the one before
	leftOut atomic.Int64 // lines since the last; by everybody who was not let through
}

// pass says whether a line may be written now, and how many were left out, as a field of it.
func (w *warnings) pass(of warning) (leftOut zap.Field, ok bool) {
	known, ok := w.kinds.Load(of)
	if !ok {
		known, _ = w.kinds.LoadOrStore(of, new(quota))
	}
	n, ok := known.(*quota).pass(wire.Now())
	if n == 0 {
		return zap.Skip(), ok
	}
	return zap.Int64("left_out", n), ok
}

// pass says whether a line may be written at this moment, and how many were left out since the last.
func (q *quota) pass(now time.Duration) (leftOut int64, ok bool) {
	next := q.next.Load()
	if int64(now) < next || !q.next.CompareAndSwap(next, int64(now+warnEvery)) {
		q.leftOut.Add(1)
		return 0, false
	}
	return q.leftOut.Swap(0), true
}
