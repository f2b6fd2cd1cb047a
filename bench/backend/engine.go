package backend

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
)

const never = time.Duration(math.MaxInt64)

// engine is the model of one server at work: whom it serves, how far each has
// come, and who waits for a slot.
//
// Its time is exact. Whenever it is looked at it first lives through all that
// was due since, each event at its own instant, so that a timer that rings late
// delays an answer but neither shortens the server's capacity nor lends it work
// from a time at which there was none: a request begins when the slot was due
// to be free or when it came, whichever is later.
type engine struct {
	options Options
	epoch   time.Time
	alarm   *alarm.Alarm // rings when something is due; set under mu, waited for by run

	mu      sync.Mutex
	at      time.Duration // since epoch: how far the model has lived
	serving []*job
	waiting []*job  // for a slot, first come first
	speed   float64 // of nominal; 1 until set otherwise
	hung    bool    // nothing moves
	slow    bool    // what begins now takes SlowFactor times as long
}

func newEngine(o Options) (*engine, error) {
	a, err := alarm.New()
	if err != nil {
		return nil, err
	}
	return &engine{options: o, epoch: time.Now(), alarm: a, speed: 1}, nil
}

// run keeps the model going until ctx ends, for good.
func (e *engine) run(ctx context.Context) {
	defer context.AfterFunc(ctx, e.alarm.Close)()
	for e.alarm.Wait() {
		e.change(time.Now(), func() {})
	}
}

// enter lets a request in that arrived at the instant given.
func (e *engine) enter(j *job, arrived time.Time) {
	e.change(arrived, func() { e.waiting = append(e.waiting, j) })
}

// leave takes a request out, wherever it is.
func (e *engine) leave(j *job) {
	if j.done() {
		return
	}
	e.change(time.Now(), func() {
		is := func(other *job) bool { return other == j }
		e.serving = slices.DeleteFunc(e.serving, is)
		e.waiting = slices.DeleteFunc(e.waiting, is)
	})
}

// change lives up to an instant, makes a change that holds from then on, and
// sets the alarm for what is due next.
func (e *engine) change(instant time.Time, to func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.live(instant.Sub(e.epoch))
	to()
	e.admit()
	for _, j := range e.serving {
		j.report()
	}
	if next := e.next((*job).untilNews); next < never {
		e.alarm.Set(e.epoch.Add(next))
	}
}

// live brings the model to an instant, unless it is there already.
func (e *engine) live(until time.Duration) {
	for {
		next := e.next((*job).left)
		if next > until {
			break
		}
		e.move(next)
		e.serving = slices.DeleteFunc(e.serving, (*job).settle)
		e.admit()
	}
	if until > e.at {
		e.move(until)
	}
}

// move lets all who are served come as far as they do until then.
func (e *engine) move(until time.Duration) {
	prompt, decode := e.speeds()
	passed := float64(until - e.at)
	for _, j := range e.serving {
		if j.prompt > 0 {
			j.prompt -= passed * prompt
		} else {
			j.decode -= passed * decode
		}
	}
	e.at = until
}

// next is the earliest instant at which a request in service has come further
// by the distance given, which is of its present phase, if nothing changes.
func (e *engine) next(distance func(*job) float64) time.Duration {
	prompt, decode := e.speeds()
	earliest := float64(never)
	for _, j := range e.serving {
		speed := decode
		if j.prompt > 0 {
			speed = prompt
		}
		earliest = min(earliest, max(0, distance(j))/speed)
	}
	if !(earliest < float64(never-e.at)) {
		return never
	}
	return e.at + time.Duration(math.Ceil(earliest))
}

// admit begins with those who wait, as far as there is room.
func (e *engine) admit() {
	for len(e.waiting) > 0 && (e.options.Discipline == Sharing || len(e.serving) < e.options.Slots) {
		j := e.waiting[0]
		e.waiting[0] = nil // for the collector
		e.waiting = e.waiting[1:]
		e.serving = append(e.serving, j)
		j.begin(e.slow)
	}
}

// queued is how many requests wait for a slot.
func (e *engine) queued() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.waiting)
}
