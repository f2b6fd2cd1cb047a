package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Overflow is the failure of a request that was not sent, since too many were
// in flight: the run has not measured what it was asked to.
const Overflow Failure = "overflow"

// Sample is what became of one request of a trace. Durations count from its
// intended start and are 0 where there was no such instant.
type Sample struct {
	Late       time.Duration // until it was sent: the sender's own error
	FirstToken time.Duration // until the first token came, or the first byte of an answer that comes whole
	Response   time.Duration // until the last byte came
	Queue      time.Duration // how long the proxy says it waited there, by X-Steelyard-Queue-Ms; 0 when it does not say
	Status     int           // 0 without an answer
	ServedBy   string        // X-Served-By
	Failure    Failure       // "" when it was answered in full
	Err        error         // what the failure was; nil for BadStatus, Overflow and Abandoned
}

// Replayed is what a replay measured. Histograms are in microseconds, to three
// digits; the samples are exact.
type Replayed struct {
	Started  time.Time     // of the clock
	Elapsed  time.Duration // from then to the last end
	Samples  []Sample      // in the order of the trace
	Answered int           // in full
	Failed   map[Failure]int
	ServedBy map[string]int // answers in full by who gave them
	Err      error          // of the last failed sample that has one

	Response   *hdrhistogram.Histogram // of answers in full
	FirstToken *hdrhistogram.Histogram // of answers in full
	Late       *hdrhistogram.Histogram // of all that were sent
}

func newReplayed(r *replay) *Replayed {
	result := &Replayed{
		Started: r.started, Elapsed: time.Since(r.started), Samples: r.samples,
		Failed: map[Failure]int{}, ServedBy: map[string]int{},
		Response: newHistogram(), FirstToken: newHistogram(), Late: newHistogram(),
	}
	for _, s := range r.samples {
		if s.Late > 0 && s.Failure != Overflow {
			record(result.Late, s.Late)
		}
		if s.Failure != "" {
			result.Failed[s.Failure]++
			if s.Err != nil {
				result.Err = s.Err
			}
			continue
		}
		result.Answered++
		result.ServedBy[s.ServedBy]++
		record(result.Response, s.Response)
		if s.FirstToken > 0 {
			record(result.FirstToken, s.FirstToken)
		}
	}
	return result
}
