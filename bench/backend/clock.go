// The engine in real time.

package backend

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
	"github.com/steelyard-proxy/steelyard/bench/engine"
)

// clock puts an engine into real time.
//
// Its time is exact. Whoever looks at it first makes everything happen that was due since, each
// event at its own instant. So a timer that rings late delays an answer and nothing else: a request
// begins when its slot was due to be free, or when it came if that is later.
type clock struct {
	nominal float64 // capacity
	epoch   time.Time
	alarm   *alarm.Alarm // rings when something is due; set under mu, waited for by run

	mu     sync.Mutex
	engine engine.Engine
	jobs   map[int32]*job // that are in, waiting ones included
	last   int32          // number given to a job
	speed  float64        // of nominal; 1 until set otherwise
	hung   bool           // nothing moves
	since  time.Time      // the engine was started, or last restarted
	ended  int64          // jobs done since
}

func newClock(o engine.Options, a *alarm.Alarm) *clock {
	now := time.Now()
	e := engine.New(o)
	return &clock{nominal: e.Capacity(), epoch: now, since: now, alarm: a, engine: e, jobs: map[int32]*job{}, speed: 1}
}

// run keeps the engine going until ctx ends, for good.
func (c *clock) run(ctx context.Context) {
	defer context.AfterFunc(ctx, c.alarm.Close)()
	for c.alarm.Wait() {
		c.change(time.Now(), func(float64) {})
	}
}

// enter lets a request in that arrived at the instant given.
func (c *clock) enter(j *job, arrived time.Time) {
	c.change(arrived, func(now float64) {
		for c.last++; c.jobs[c.last] != nil; c.last++ {
		}
		j.id = c.last
		c.jobs[j.id] = j
		c.tell(c.engine.Enter(now, j.id, j.asked))
	})
}

// leave takes a request out, if it is still in.
func (c *clock) leave(j *job) {
	if j.done() {
		return
	}
	c.change(time.Now(), func(now float64) {
		if !j.done() {
			delete(c.jobs, j.id)
			c.tell(c.engine.Leave(now, j.id))
		}
	})
}

// setSpeed makes the engine so many times as fast as its options say, or lets it hang.
func (c *clock) setSpeed(now, factor float64, hung bool) {
	c.speed, c.hung = factor, hung
	if hung {
		factor = 0
	}
	c.engine.SetCapacity(now, c.nominal*factor)
}

// change makes all events happen that are due by an instant. Then it makes a change that holds from
// there on, and sets the alarm for the next event.
func (c *clock) change(instant time.Time, to func(now float64)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	until := instant.Sub(c.epoch)
	for c.due() <= until {
		c.tell(c.engine.Next())
	}
	to(until.Seconds())
	if next := c.due(); next < math.MaxInt64 {
		c.alarm.Set(c.epoch.Add(next))
	}
}

// due is when the engine must be looked at next, to the nanosecond.
func (c *clock) due() time.Duration {
	due := math.Round(c.engine.Due() * float64(time.Second))
	if !(due < math.MaxInt64) {
		return math.MaxInt64
	}
	return time.Duration(due)
}

// tell passes on what happened.
func (c *clock) tell(events []engine.Event) {
	for _, event := range events {
		j := c.jobs[event.ID]
		switch event.What {
		case engine.Began:
			j.cached = event.Cached
			j.tell(0)
		case engine.Token:
			if j.streams {
				j.tell(event.Made)
			}
		case engine.Done:
			delete(c.jobs, event.ID)
			c.ended++
			j.tell(j.tokens)
		case engine.Refused:
			delete(c.jobs, event.ID)
			j.tell(refused)
		}
	}
}

// restart empties the engine's memory. Whoever is in begins anew.
func (c *clock) restart() {
	instant := time.Now()
	c.change(instant, func(now float64) {
		c.since, c.ended = instant, 0
		c.tell(c.engine.Restart(now))
	})
}

func (c *clock) signals() signals {
	c.mu.Lock()
	defer c.mu.Unlock()
	return signals{State: c.engine.State(), since: c.since, ended: c.ended}
}
