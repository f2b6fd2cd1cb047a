// Applying advice without a person: small steps, and back where R gets worse.

package advice

import (
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

const (
	// largestStep is the factor by which a value changes in one step at most.
	largestStep = 1.25
	// watchTime is for how long one looks before and after a step, and watchLeast how many requests there must have been, in how
	// many minutes: fewer say too little of the error.
	watchTime      = 15 * time.Minute
	watchLeast     = 200
	watchedMinutes = 10
	// mostWatches is how often the time after a step is begun anew, because there was more work than before.
	mostWatches = 4
	// worse is by how much R must be longer for a step to be taken back, and sureWorse how many errors that must be.
	worse, sureWorse = 0.05, 3.5
	// more is by how much more requests may come in a minute for two times to be compared.
	more = 0.2
	// afterBack is for how long a value is left alone that was stepped back, and afterStep one that was not.
	afterBack, afterStep = 24 * time.Hour, 30 * time.Minute
)

// Act is one step that a Governor takes.
type Act struct {
	Upstream string
	Moves    []Move
	Back     bool // the step before is taken back
	Why      string
	// Of R: the mean in seconds before and after; for a step that is not taken back they are 0.
	Before, After float64
	Advice        string // its ID
}

// Move is one value that is changed.
type Move struct {
	Change
	From, To float64
}

// place is the change without its value.
func (m *Move) place() Change { return Change{Upstream: m.Upstream, Endpoint: m.Endpoint, Key: m.Key} }

// Governor decides which advice is applied by itself: capacities and slots, one at a time in each upstream. It is safe for
// concurrent use.
type Governor struct {
	mu        sync.Mutex
	upstreams map[string]*governed
}

// governed is what is known of one upstream.
type governed struct {
	minutes [2 * int(watchTime/time.Minute)]minuteR
	step    *step                // that is being watched; nil: none is
	resting map[Change]time.Time // until when a value is left alone; by change without its value
}

// step is one that was taken and is not judged yet.
type step struct {
	act     Act
	at      time.Time
	before  []minuteR
	watches int
}

// minuteR sums up the requests that ended in one minute.
type minuteR struct {
	at int64 // minutes since 1970
	n  float64
	r  float64 // seconds
}

// NewGovernor returns one that has seen nothing.
func NewGovernor() *Governor { return &Governor{upstreams: map[string]*governed{}} }

// Add hears of finished requests.
func (g *Governor) Add(rows []usage.Row) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range rows {
		g.add(&rows[i])
	}
}

func (g *Governor) add(r *usage.Row) {
	if r.Class != answered || r.Response <= 0 {
		return
	}
	u := g.upstreams[r.Upstream]
	if u == nil {
		u = &governed{resting: map[Change]time.Time{}}
		g.upstreams[r.Upstream] = u
	}
	at := r.End().Unix() / 60
	m := &u.minutes[at%int64(len(u.minutes))]
	if m.at != at {
		*m = minuteR{at: at}
	}
	m.n++
	m.r += r.Response.Seconds()
}

// Step returns what is to be done now. The caller does all of it, before the next Step.
func (g *Governor) Step(now time.Time, all []Advice, current func(Change) (float64, bool)) (acts []Act) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, u := range g.upstreams {
		if u.step != nil {
			if act, back := u.judge(now); back {
				acts = append(acts, act)
			}
		}
	}
	for i := range all {
		if act, ok := g.take(now, &all[i], current); ok {
			acts = append(acts, act)
		}
	}
	return acts
}

// take begins a step by an advice, if the time is right.
func (g *Governor) take(now time.Time, a *Advice, current func(Change) (float64, bool)) (act Act, ok bool) {
	u := g.upstreams[a.Upstream]
	if a.Status != Advised || a.Effect == nil || a.Effect.By != ByReplay || u == nil || u.step != nil {
		return act, false
	}
	act = Act{Upstream: a.Upstream, Why: a.Text, Advice: a.ID}
	for _, c := range a.Changes {
		from, known := current(c)
		goal, err := strconv.ParseFloat(c.Value, 64)
		m := Move{Change: Change{Upstream: c.Upstream, Endpoint: c.Endpoint, Key: c.Key}, From: from}
		if c.Key != "capacity" && c.Key != "slots" || !known || err != nil || from <= 0 || now.Before(u.resting[m.place()]) {
			continue // slots without a limit cannot be changed by a factor
		}
		if m.To = bounded(c.Key, from, goal); m.To != from {
			m.Value = strconv.FormatFloat(m.To, 'g', 6, 64)
			act.Moves = append(act.Moves, m)
		}
	}
	before := u.last(now.Add(-watchTime), now)
	if act.Moves == nil || !enough(before) {
		return act, false
	}
	u.step = &step{act: act, at: now, before: before}
	return act, true
}

// bounded is the goal, or as much of the way as one step may go.
func bounded(key string, from, goal float64) float64 {
	to := min(max(goal, from/largestStep), from*largestStep)
	if key != "slots" || goal == from {
		return to
	}
	if to = math.Round(to); to == from { // one is the least there is
		to += math.Copysign(1, goal-from)
	}
	return max(to, 1)
}

// judge says whether the step is to be taken back, once enough was seen after it.
func (u *governed) judge(now time.Time) (act Act, back bool) {
	s := u.step
	from := s.at.Add(time.Duration(s.watches)*watchTime + time.Minute) // what began before the step ends in the minute after it
	after := u.last(from, now)
	if now.Sub(from) < watchTime || !enough(after) && now.Sub(from) < 2*watchTime {
		return act, false
	}
	b, a := compared(s.before), compared(after)
	if a.requests > b.requests*(1+more) && s.watches+1 < mostWatches {
		s.watches++ // R is longer for that already
		return act, false
	}
	u.step = nil
	u.rest(s.act.Moves, now.Add(afterStep))
	off := math.Hypot(b.error, a.error)
	if !enough(after) || a.mean <= b.mean*(1+worse) || a.mean-b.mean <= sureWorse*off {
		return act, false
	}
	u.rest(s.act.Moves, now.Add(afterBack))
	act = Act{Upstream: s.act.Upstream, Back: true, Before: b.mean, After: a.mean, Advice: s.act.Advice}
	for _, m := range s.act.Moves {
		m.From, m.To = m.To, m.From
		m.Value = strconv.FormatFloat(m.To, 'g', -1, 64)
		act.Moves = append(act.Moves, m)
	}
	act.Why = fmt.Sprintf("R was %s in %s before the step and %s after it", brief(b.mean), watchTime, brief(a.mean))
	return act, true
}

// rest leaves values alone until then.
func (u *governed) rest(moves []Move, until time.Time) {
	for i := range moves {
		u.resting[moves[i].place()] = until
	}
}

// last are the minutes that lie between two times.
func (u *governed) last(from, to time.Time) (list []minuteR) {
	for _, m := range u.minutes {
		if begin := m.at * 60; m.n > 0 && begin >= from.Unix() && begin+60 <= to.Unix() {
			list = append(list, m)
		}
	}
	return list
}

func enough(list []minuteR) bool { return count(list) >= watchLeast && len(list) >= watchedMinutes }

func count(list []minuteR) (n float64) {
	for _, m := range list {
		n += m.n
	}
	return n
}

// comparedR is the mean R of some minutes, its standard error, and the requests in each.
type comparedR struct{ mean, error, requests float64 }

// compared takes minutes for independent, but not the requests in them.
func compared(list []minuteR) (c comparedR) {
	n := count(list)
	if n == 0 {
		return c
	}
	c.requests = n / float64(len(list))
	for _, m := range list {
		c.mean += m.r / n
	}
	sum := 0.0
	for _, m := range list {
		off := (m.r - m.n*c.mean) / n
		sum += off * off
	}
	c.error = math.Sqrt(sum)
	return c
}
