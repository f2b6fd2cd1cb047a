// What is known of one endpoint: how fast it works when it is busy, and with how many at once.

package advice

import (
	"math"
	"time"
)

const (
	// busyRatio is the part of its slots that are in use where an endpoint counts as busy.
	busyRatio = 0.75
	// batchTime is the busy time of one batch, and batchCount is how many are kept: 4 h.
	batchTime  = 5 * time.Minute
	batchCount = 48
	// batchLeast is how many requests a batch has at least.
	batchLeast = 10
	// levelFade is what is left of what was seen of each level, after levelTime.
	levelFade, levelTime = 0.8, time.Hour
)

// place is one endpoint.
type place struct {
	told   Endpoint // as it was configured when what follows was seen
	flight flight

	batch   batch   // under way
	batches []batch // the newest last
	levels  [levelCount]level
	faded   time.Time
	settled int64 // nanoseconds since 1970
}

// settleEvery is how often one looks at what requests have ended.
const settleEvery = time.Minute

// batch is what an endpoint did in batchTime of being busy.
type batch struct {
	busy  time.Duration
	all   level
	ended time.Time
}

// configured forgets what was seen, if that no longer says anything.
func (p *place) configured(e Endpoint) {
	if p.told.fixed().Slots != e.fixed().Slots || p.told.AutoSlots != e.AutoSlots {
		*p = place{}
	}
	p.told = e
}

func (p *place) add(s span) {
	p.flight.add(s)
	if p.flight.crowded() || s.ended-p.settled >= int64(settleEvery) {
		p.settle(time.Unix(0, s.ended))
	}
}

// settle learns from requests of which all is known by now.
func (p *place) settle(now time.Time) {
	p.settled = now.UnixNano()
	least := p.busyFrom()
	p.flight.settle(p.settled, least, func(s seen) {
		p.levels[levelOf(s.inFlight)].add(&s)
		if s.inFlight >= least {
			p.batch.all.add(&s)
		}
	}, func(d time.Duration) { p.batch.busy += d })
	if p.batch.busy >= batchTime && p.batch.all.requests >= batchLeast {
		p.batch.ended = now
		p.batches = append(p.batches, p.batch)
		p.batches = p.batches[max(len(p.batches)-batchCount, 0):]
		p.batch = batch{}
	}
	if now.Sub(p.faded) >= levelTime {
		p.faded = now
		for i := range p.levels {
			p.levels[i].fade(levelFade)
		}
	}
}

// busyFrom is with how many requests in flight the endpoint counts as busy.
func (p *place) busyFrom() int {
	if p.told.Slots == 0 {
		return math.MaxInt // how much more it could do is not known
	}
	return int(math.Ceil(busyRatio * float64(p.told.Slots)))
}

// rate is the work per second that the endpoint does when it is busy, as a logarithm, by the newest batches that make up
// so much time. Batches that are older than a day are left out.
func (p *place) rate(enough time.Duration, now time.Time) (rate spread, busy time.Duration, requests int) {
	var rates []float64
	for i := len(p.batches) - 1; i >= 0 && busy < enough; i-- {
		b := &p.batches[i]
		if now.Sub(b.ended) > 24*time.Hour {
			break
		}
		rates = append(rates, math.Log(float64(p.told.Slots))-b.all.perWork())
		busy += b.busy
		requests += int(b.all.requests)
	}
	if busy < enough {
		busy += p.batch.busy // for the text: there is not enough either way
	}
	return spreadOf(rates), busy, requests
}
