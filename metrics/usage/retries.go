// Requests that ask again for what was not answered, and storms of them.

package usage

import (
	"hash/maphash"
	"time"
)

const (
	// retryTime is how long after a failure the same request is one that is asked again.
	retryTime = time.Minute
	// mostFailed is how many failed requests are remembered.
	mostFailed = 8192
)

var retrySeed = maphash.MakeSeed()

// failed remembers requests that have failed or were left.
type failed struct {
	until map[uint64]time.Time // by user, model and body
	order []uint64             // a ring, in which the oldest is replaced
	next  int
}

// find fills in whether the row is a retry, where the client does not say so itself.
func (f *failed) find(r *Row) {
	bad := r.Failed() || r.Aborted()
	if r.PromptHash == 0 || !bad && len(f.until) == 0 {
		return
	}
	key := mixed(r.PromptHash ^ maphash.String(retrySeed, string(r.User)) ^ mixed(maphash.String(retrySeed, r.Model)))
	until, known := f.until[key]
	if !r.RetrySaid && known && r.Retry == 0 && r.At.Before(until) {
		r.Retry = 1
	}
	if bad {
		f.note(key, r.End().Add(retryTime), known)
	} else if known {
		delete(f.until, key) // answered: whoever asks again wants another answer
	}
}

func (f *failed) note(key uint64, until time.Time, known bool) {
	if f.until == nil {
		f.until, f.order = make(map[uint64]time.Time), make([]uint64, mostFailed)
	}
	if !known {
		delete(f.until, f.order[f.next])
		f.order[f.next] = key
		f.next = (f.next + 1) % mostFailed
	}
	f.until[key] = until
}

// Storm is a time in which clients ask again and again.
type Storm struct {
	Upstream string    `json:"upstream"`
	Since    time.Time `json:"since"`    // when the time that was looked at began
	Requests uint64    `json:"requests"` // in that time
	Tries    uint64    `json:"tries"`    // of them, without those that asked again
	// Amplification is requests by tries: how many times as many requests come as there would be.
	Amplification float64 `json:"amplification"`
}

const (
	stormTime  = 5 * time.Minute
	stormLeast = 50  // requests: of fewer little can be said
	stormFrom  = 1.3 // amplification
)

// storms are the upstreams at which one rages now.
func (s *Series) storms(now time.Time) (list []Storm) {
	for _, upstream := range s.Upstreams() {
		if storm := s.amplification(upstream, now); storm.Requests >= stormLeast && storm.Amplification > stormFrom {
			list = append(list, storm)
		}
	}
	return list
}

// amplification is how much of the upstream's requests of the last minutes were retries.
func (s *Series) amplification(upstream string, now time.Time) Storm {
	storm := Storm{Upstream: upstream, Since: now.Add(-stormTime).UTC().Truncate(time.Minute), Amplification: 1}
	for _, m := range s.Minutes[upstream].between(now.Add(-stormTime), now, 60) {
		storm.Requests += uint64(m.Requests)
		storm.Tries += uint64(m.Requests - min(m.Retries, m.Requests))
	}
	if storm.Requests > 0 {
		storm.Amplification = float64(storm.Requests) / float64(max(storm.Tries, 1))
	}
	return storm
}
