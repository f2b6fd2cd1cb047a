// Timelines: clean weeks, and then one fault after the other.

package faults

import (
	"context"
	"math/rand/v2"
	"time"
)

// weekly is the fleet of timelines: three servers, two requests a second each in the mean, three times as many at the
// peak as at night.
var weekly = fleet{endpoints: 3, rate: 2, season: 0.5, work: predicted}

// line is what one watcher made of a timeline.
type line struct {
	watcher string
	clean   []alarm         // in clean weeks, all for nothing
	between []alarm         // between faults, for nothing
	wrong   []alarm         // the first of a fault, and it names something else
	found   map[string]bool // by fault: there was an alarm
	named   map[string]bool // the first alarm named the right cause
	other   int             // alarms during a fault that name something else
	delay   map[string]time.Duration
}

func newLine(watcher string) *line {
	return &line{watcher: watcher, found: map[string]bool{}, named: map[string]bool{}, delay: map[string]time.Duration{}}
}

// see takes one alarm.
func (l *line) see(a alarm, script []*incident, clean time.Time) {
	if a.at.Before(clean) {
		l.clean = append(l.clean, a)
		return
	}
	for _, f := range script {
		if !f.covers(a.at) {
			continue
		}
		right := f.names(a)
		if !l.found[f.name] {
			l.found[f.name], l.named[f.name] = true, right
			l.delay[f.name] = a.at.Sub(f.begin)
			if !right {
				a.text = f.name + ": " + a.text
				l.wrong = append(l.wrong, a)
			}
		}
		if !right {
			l.other++
		}
		return
	}
	l.between = append(l.between, a)
}

// timeline runs the world of a seed, and returns how each watcher did.
func timeline(ctx context.Context, o Options, seed uint64) []*line {
	script := newScript(weekly, o.Weeks, seed)
	clean := monday.Add(time.Duration(o.Weeks) * 7 * 24 * time.Hour)
	end := script[len(script)-1].end.Add(2 * time.Hour)
	w := newWorld(weekly, seed, script)
	watchers := []watcher{newOurs(), newFixed(weekly.endpoints), newJump(weekly.endpoints)}
	var lines []*line
	for _, watch := range watchers {
		lines = append(lines, newLine(watch.name()))
	}
	total := 0
	for w.now.Before(end) && ctx.Err() == nil {
		rows := w.next()
		for i, watch := range watchers {
			for j := range rows {
				watch.add(&rows[j])
			}
			for _, a := range watch.step(w.now) {
				lines[i].see(a, script, clean)
				if i == 0 {
					total++
				}
			}
		}
	}
	l := lots{chance: rand.New(rand.NewPCG(seed, 80)), endpoints: weekly.endpoints, rate: float64(total) / float64(end.Sub(monday)/tick)}
	random := newLine(l.name())
	for now := monday; now.Before(end); now = now.Add(tick) {
		for _, a := range l.step(now) {
			random.see(a, script, clean)
		}
	}
	return append(lines, random)
}
