package load

import (
	"maps"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Failure says why a request was not answered in full; "" when it was.
type Failure string

const (
	Abandoned  Failure = "abandoned"   // the run was stopped
	Refused    Failure = "refused"     // no connection
	TimedOut   Failure = "timed out"   // ClientOptions.Timeout passed
	Broken     Failure = "broken"      // the connection ended before there was an answer
	Truncated  Failure = "truncated"   // the answer began and did not end as it must
	BadStatus  Failure = "bad status"  // answered with a status other than 2xx
	ErrorEvent Failure = "error event" // a stream reported an error
)

// Answer is how one request ended.
type Answer struct {
	Status   int       // 0 when there was none
	First    time.Time // when the first token came, or the first byte of an answer that comes whole; zero when none did
	ServedBy string    // the X-Served-By header
	Failure  Failure
	Err      error // what the failure was; nil for BadStatus
}

// Results are what a run measured. Times are in microseconds, to three digits,
// of answers without a failure, and count from the intended start.
type Results struct {
	Elapsed   time.Duration // since Run began, until it ended
	Offered   int64         // arrivals
	Overflow  int64         // of those, not sent because too many were in flight
	Answered  int64         // ended without a failure
	Failed    map[Failure]int64
	ServedBy  map[string]int64 // answers without a failure by who gave them
	LastError error            // of the latest failure that had one

	Response  *hdrhistogram.Histogram // to the last byte
	FirstByte *hdrhistogram.Histogram // to the first token, or byte
	Lag       *hdrhistogram.Histogram // how late requests were sent: the generator's own error
}

// Histograms hold 1 µs to ten minutes.
const longest = int64(10 * time.Minute / time.Microsecond)

// recorder collects Results; one mutex, held for microseconds, guards it all.
type recorder struct {
	mu       sync.Mutex
	now      Results
	started  time.Time
	finished time.Time // zero while running
}

func newRecorder() *recorder {
	return &recorder{now: Results{
		Failed: map[Failure]int64{}, ServedBy: map[string]int64{},
		Response: newHistogram(), FirstByte: newHistogram(), Lag: newHistogram(),
	}}
}

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, longest, 3) }

// record clips to what the histogram holds, so that nothing is lost.
func record(h *hdrhistogram.Histogram, d time.Duration) {
	value := min(max(d.Microseconds(), 1), longest)
	if err := h.RecordValue(value); err != nil {
		panic("BUG: record " + d.String() + ": " + err.Error())
	}
}

func (r *recorder) begin(at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started = at
}

func (r *recorder) end(at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.finished = at
}

func (r *recorder) offered(lag time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now.Offered++
	record(r.now.Lag, lag)
}

func (r *recorder) overflowed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now.Overflow++
}

func (r *recorder) settle(a Answer, intended, ended time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a.Failure != "" {
		r.now.Failed[a.Failure]++
		if a.Err != nil {
			r.now.LastError = a.Err
		}
		return
	}
	r.now.Answered++
	r.now.ServedBy[a.ServedBy]++
	record(r.now.Response, ended.Sub(intended))
	if !a.First.IsZero() {
		record(r.now.FirstByte, a.First.Sub(intended))
	}
}

func (r *recorder) results() Results {
	r.mu.Lock()
	defer r.mu.Unlock()
	copied := r.now
	copied.Failed = maps.Clone(r.now.Failed)
	copied.ServedBy = maps.Clone(r.now.ServedBy)
	copied.Response = r.now.Response.Clone()
	copied.FirstByte = r.now.FirstByte.Clone()
	copied.Lag = r.now.Lag.Clone()
	switch {
	case r.started.IsZero():
	case r.finished.IsZero():
		copied.Elapsed = time.Since(r.started)
	default:
		copied.Elapsed = r.finished.Sub(r.started)
	}
	return copied
}
