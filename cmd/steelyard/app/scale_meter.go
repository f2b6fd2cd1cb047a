// How much work requests are: learned from how busy servers are with them.

package app

import (
	"math"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	"github.com/steelyard-proxy/steelyard/metrics/forecast"
	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

const (
	// meterMemory is how far back the usual work of a request looks: what was so long ago counts for 1/e.
	meterMemory = 10 * time.Minute
	// leastServed is how many usual requests must have got a server for their work to be known.
	leastServed = 20
)

// meter turns requests into work in the unit of capacity × seconds. Sizes are multiples of the usual request, and while
// servers are busy with requests that capacity does their work: so the one divided by the other is the work of a
// request of size 1.
type meter struct {
	began    time.Time // zero: it has seen nothing
	at       time.Time
	demand   balancer.Demand
	busy     float64 // capacity × seconds in use, of late
	served   float64 // sizes of the requests that got a server, of late
	capacity float64 // of one replica, as it was last

	told   forecast.Range
	toldAt time.Time
}

// look takes in what has been asked since the last look.
func (m *meter) look(now time.Time, demand *balancer.Demand, all *serving, to *autoscale.Sample) {
	before, at := m.demand, m.at
	m.demand, m.at = *demand, now
	if m.began.IsZero() {
		m.began = now
		return
	}
	passed := now.Sub(at).Seconds()
	if passed <= 0 || demand.Work < before.Work {
		return
	}
	came := demand.Work - before.Work
	kept := math.Exp(-passed / meterMemory.Seconds())
	m.busy, m.served = m.busy*kept, m.served*kept
	if busy := all.busy(); !math.IsNaN(busy) {
		m.busy += busy * passed
		m.served += max(came-(demand.WaitingWork-before.WaitingWork), 0)
	}
	unit := m.unit()
	to.Arriving, to.Waiting = came/passed*unit, demand.WaitingWork*unit
	if math.IsNaN(unit) { // nothing comes and nothing waits, whatever the work of a request is
		if came == 0 {
			to.Arriving = 0
		}
		if demand.Waiting == 0 {
			to.Waiting = 0
		}
	}
}

// unit is the work of a request of size 1; NaN: not known yet.
func (m *meter) unit() float64 {
	if m.served < leastServed || m.busy <= 0 {
		return math.NaN()
	}
	return m.busy / m.served
}

// recent is how long something took of late, such as answers to begin.
type recent struct {
	at   []time.Time
	took []time.Duration
}

const (
	recentKept  = 500
	recentFor   = time.Minute
	leastRecent = 20
)

func (f *recent) add(now time.Time, took time.Duration) {
	if n := len(f.at); n == recentKept {
		f.at, f.took = slices.Delete(f.at, 0, recentKept/5), slices.Delete(f.took, 0, recentKept/5)
	}
	f.at, f.took = append(f.at, now), append(f.took, took)
}

// p95 is how long 95 % of those of the last minute took at most, in seconds; NaN: there are too few.
func (f *recent) p95(now time.Time) float64 {
	var late []time.Duration
	for i := range f.at {
		if now.Sub(f.at[i]) <= recentFor {
			late = append(late, f.took[i])
		}
	}
	if len(late) < leastRecent {
		return math.NaN()
	}
	slices.Sort(late)
	return late[len(late)*95/100].Seconds()
}

// answered hears of finished requests.
func (f *fleet) answered(rows []usage.Row) {
	now := time.Now()
	for _, s := range f.scalings() {
		s.answered(now, rows)
	}
}

// answered notes how long answers took to begin, and their tokens, where there is an objective for that.
func (s *scaling) answered(now time.Time, rows []usage.Row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objective <= 0 && s.config.TargetTokenTime <= 0 {
		return
	}
	for i := range rows {
		r := &rows[i]
		if r.Upstream != s.upstream || r.FirstByte <= 0 || r.Failed() {
			continue
		}
		if s.objective > 0 {
			s.firsts.add(now, r.FirstByte)
		}
		if took, known := tokenTime(r); known && s.config.TargetTokenTime > 0 {
			s.tokens.add(now, took)
		}
	}
}

// leastTokens is how many a stream must have had for the time of one to say something.
const leastTokens = 8

// tokenTime is how long a token of a stream took in the mean, the first one aside. Only engines that say how many there were tell that.
// Waits for a client that reads slowly are not the server's.
func tokenTime(r *usage.Row) (took time.Duration, known bool) {
	if !r.Stream || r.CompletionTokens < leastTokens || r.Response <= r.FirstByte {
		return 0, false
	}
	return min(r.Response-r.FirstByte, r.Service) / time.Duration(r.CompletionTokens-1), true
}

// firstByteObjective is how soon the answers of an upstream shall begin, by alerts.slo; 0: nobody has said.
func firstByteObjective(cfg *configs.Config, upstream string) (objective time.Duration) {
	for i := range cfg.Alerts.SLO {
		if o := &cfg.Alerts.SLO[i]; o.Good.FirstByte > 0 && (o.Upstream == "" || o.Upstream == upstream) && (objective == 0 || o.Good.FirstByte < objective) {
			objective = o.Good.FirstByte
		}
	}
	return objective
}
