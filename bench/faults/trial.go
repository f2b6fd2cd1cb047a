// Trials: a server becomes twice as slow, and it is timed how soon that is found.

package faults

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/anomaly"
	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

const (
	warmUp    = 3 * time.Hour
	trialTime = 10 * time.Minute
	// soon is how soon it must be found.
	soon = 60 * time.Second
)

// trial is one fleet under one kind of work.
type trial struct {
	fleet
	seed uint64
}

// timed is how soon a watcher found it, negative if it did not, and its alarms before.
type timed struct {
	watcher string
	delay   time.Duration
	wrong   int    // alarms before the fault
	text    string // of the first of those
}

// trials are all of them: five requests a second at each server.
func trials(o Options) (list []trial) {
	for _, kind := range []work{predicted, exponential, heavy} {
		for _, n := range []int{2, 3, 4, 8} {
			for i := range o.Seeds {
				list = append(list, trial{fleet{endpoints: n, rate: 5, work: kind}, o.Seed + uint64(i)})
			}
		}
	}
	return list
}

// run returns how each watcher did.
func (t trial) run(ctx context.Context) []timed {
	chance := rand.New(rand.NewPCG(t.seed, 79))
	begin := monday.Add(warmUp + time.Duration(chance.Float64()*float64(10*time.Minute)))
	slow := &incident{begin: begin, end: begin.Add(trialTime), place: anomaly.Place{Upstream: upstream}}
	slow.of(endpointName(chance.IntN(t.endpoints)), func(_ time.Time, _ *usage.Row, e *effects) { e.factor *= 2 })
	w := newWorld(t.fleet, t.seed, []*incident{slow})
	watchers := []watcher{newOurs(), newFixed(t.endpoints), newJump(t.endpoints)}
	found := make([]timed, len(watchers))
	for i, watch := range watchers {
		found[i] = timed{watcher: watch.name(), delay: -1}
	}
	for w.now.Before(slow.end) && ctx.Err() == nil {
		rows := w.next()
		for i, watch := range watchers {
			for j := range rows {
				watch.add(&rows[j])
			}
			for _, a := range watch.step(w.now) {
				switch {
				case w.now.Before(begin):
					found[i].wrong++
					found[i].text = a.text
				case found[i].delay < 0 && slow.names(a):
					found[i].delay = w.now.Sub(begin)
				}
			}
		}
	}
	return append(found, t.byLot(found[0], slow, chance))
}

// byLot gives as many alarms as ours did, at random.
func (t trial) byLot(as timed, slow *incident, chance *rand.Rand) timed {
	n := as.wrong
	if as.delay >= 0 {
		n++
	}
	l := lots{chance: chance, endpoints: t.endpoints, rate: float64(n) / float64(slow.end.Sub(monday)/tick)}
	found := timed{watcher: l.name(), delay: -1}
	for now := monday; now.Before(slow.end); now = now.Add(tick) {
		for _, a := range l.step(now) {
			if now.Before(slow.begin) {
				found.wrong++
			} else if slow.names(a) && found.delay < 0 {
				found.delay = now.Sub(slow.begin)
			}
		}
	}
	return found
}
