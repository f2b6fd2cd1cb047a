// Judging by silence: requests wait, and not a byte comes.

package outlier

import (
	"fmt"
	"math"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/stats"
)

// stallFactor is how many times as long as nearly all of its peers' requests an endpoint may be
// silent while several wait; while one does, that may be one long request, and more is allowed.
const stallFactor, loneFactor, longestFactor = 5, 20, 2

// silence is since when not a byte has come from an endpoint, as far as requests waited; zero
// where it is not silent.
type silence struct {
	forOne  time.Time // while at least one waits
	forMany time.Time // while several do
}

// hear notes since when the endpoint has been silent.
func (e *Endpoint) hear(r Reading, now time.Time) {
	came := r.Received != e.reading.Received
	note := func(since *time.Time, least int64) {
		switch {
		case came || r.Waiting < least:
			*since = time.Time{}
		case since.IsZero():
			*since = now
		}
	}
	note(&e.silent.forOne, 1)
	note(&e.silent.forMany, 2)
}

// judgeStall ejects an endpoint that has been silent for too long, though requests wait for
// it and its peers answer theirs. Who has not been seen to answer has no peer to be held
// against: long requests may all be under way for the first time.
func (g *Group) judgeStall(e *Endpoint, now time.Time) {
	o := &g.options
	if e.out || o.Stall == 0 || e.silent.forOne.IsZero() || now.Sub(e.silent.forOne) < o.Stall {
		return
	}
	usual, longest, answering := g.firstBytes(e)
	if !answering {
		return
	}
	since, limit := e.silent.forOne, max(o.Stall, loneFactor*usual, longestFactor*longest)
	if now.Sub(since) < limit {
		since, limit = e.silent.forMany, max(o.Stall, stallFactor*usual)
	}
	if since.IsZero() || now.Sub(since) < limit {
		return
	}
	silent := now.Sub(since).Round(time.Second)
	g.accuse(e, finding{Stall, fmt.Sprintf("%d requests wait for it, and not a byte came for %s", e.reading.Waiting, silent), map[string]any{
		"waiting": e.reading.Waiting, "silent_seconds": silent.Seconds(), "limit_seconds": stats.Round(limit.Seconds()),
		"usual_first_byte_seconds": stats.Round(usual.Seconds()),
	}}, now)
}

// firstBytes is how long the first byte takes at nearly all requests of the peers, or of the
// endpoint itself if it is slower by nature; how long it took at most lately; and whether a peer
// has answered since the endpoint fell silent.
func (g *Group) firstBytes(e *Endpoint) (usual, longest time.Duration, answering bool) {
	const nearlyAll = 0.99
	var all memory
	slower := math.Inf(1)
	for _, peer := range g.members {
		if peer == e {
			continue
		}
		all.add(&peer.firstBytes)
		answering = answering || peer.heard.After(e.silent.forOne)
		slower = min(slower, e.promise()-peer.promise())
	}
	if all.total < leastSlow {
		return 0, 0, false
	}
	scale := max(math.Exp(slower), 1)
	usual, longest = time.Duration(float64(all.quantile(nearlyAll))*scale), time.Duration(float64(all.longest())*scale)
	if e.firstBytes.total >= leastSlow {
		usual, longest = max(usual, e.firstBytes.quantile(nearlyAll)), max(longest, e.firstBytes.longest())
	}
	return usual, longest, answering
}
