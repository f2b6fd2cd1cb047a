// Outages: requests for which there is nobody.

package anomaly

import (
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/stats"
	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

const (
	// outOf is the part of a look's requests, and leastOut how many it must have, for it to be one of an outage.
	outOf, leastOut = 0.5, 5
	// outLooks is in how many looks in a row that must be so, and backLooks how many without it end the outage.
	outLooks, backLooks = 3, 3
)

// noEndpoint is the failure of requests for which no endpoint is up, by proxy/ERRORS.md.
const noEndpoint = "no_endpoint"

// outage counts the requests of an upstream that find no endpoint.
type outage struct {
	none, all float64 // since the last look
	bad, seen float64 // since it began
	looks     int     // in a row that were so
	calm      int     // in a row that were not, since it was raised
	raised    bool
	since     time.Time
}

func (o *outage) add(r *usage.Row) {
	o.all++
	if r.Failure == noEndpoint {
		o.none++
	}
}

// look is called at each look. A look with few requests says nothing.
func (o *outage) look(now time.Time) {
	none, all := o.none, o.all
	if all < leastOut {
		return // they are added to those of the next one
	}
	o.none, o.all = 0, 0
	if none <= outOf*all {
		o.looks, o.calm = 0, o.calm+1
		if o.calm >= backLooks {
			o.raised, o.bad, o.seen = false, 0, 0
		}
		return
	}
	if o.looks++; o.looks == 1 && !o.raised {
		o.since, o.bad, o.seen = now.Add(-lookEvery), 0, 0
	}
	o.calm, o.bad, o.seen = 0, o.bad+none, o.seen+all
	o.raised = o.raised || o.looks >= outLooks
}

func (o *outage) sign() sign {
	return sign{symptom: Outage, since: o.since, ratio: part(o.bad, o.seen), evidence: map[string]any{"judge": "outage", "part": stats.Round(part(o.bad, o.seen)), "requests": o.seen}}
}
