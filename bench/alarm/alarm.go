// An alarm: it is set to an instant, and wakes who waits for it.

package alarm

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// longestLead bounds the time for which the clock is watched.
	longestLead = 200 * time.Microsecond
	firstLead   = 100 * time.Microsecond
	never       = math.MaxInt64
)

// timer is what an Alarm sleeps on.
type timer interface {
	set(wait time.Duration) // rings after wait, once, in place of what was set before
	wait() bool             // sleeps until it rings; false when closed
	close()
}

// Alarm rings at the instant that was set last.
type Alarm struct {
	epoch time.Time
	leads bool // sleeps until before the instant, not until the instant itself

	target atomic.Int64 // nanoseconds since epoch, or never; written by Set under mu
	lead   atomic.Int64 // how long before the target the timer rings; written by Wait

	mu     sync.Mutex // guards the timer against use after close, and closed
	timer  timer
	closed bool
}

// New makes an Alarm as precise as the system allows. It fails where no more
// files may be opened.
func New() (*Alarm, error) {
	t, err := newKernelTimer()
	if err != nil {
		return nil, err
	}
	if t == nil {
		return Plain(), nil
	}
	a := newAlarm(t)
	a.leads = true
	a.lead.Store(int64(firstLead))
	return a, nil
}

// Plain makes an Alarm of Go's timers, which are late by up to a millisecond
// but know the fake time of testing/synctest.
func Plain() *Alarm { return newAlarm(newPlainTimer()) }

func newAlarm(t timer) *Alarm {
	a := &Alarm{epoch: time.Now(), timer: t}
	a.target.Store(never)
	return a
}

// Set makes the alarm ring at the instant given, at once if that has passed, and
// not when it was set for before. It may be called from any goroutine, while
// another waits, and after Close, when it does nothing.
func (a *Alarm) Set(at time.Time) {
	target := int64(at.Sub(a.epoch))
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	a.target.Store(target)
	a.timer.set(time.Duration(target - a.lead.Load() - a.now()))
}

// Wait returns true at the instant that was set, or after it, and false when
// the alarm is closed. It may return true without reason as well: look at the
// clock. One goroutine at a time may wait.
func (a *Alarm) Wait() bool {
	for a.timer.wait() {
		if a.leads {
			a.learn()
		}
		for {
			left := a.target.Load() - a.now()
			if left <= 0 {
				return true
			}
			if left > int64(longestLead) {
				break // set for later meanwhile, and the timer with it
			}
		}
	}
	return false
}

// learn moves the lead towards one and a half times what the timer was late by.
func (a *Alarm) learn() {
	lead := a.lead.Load()
	late := lead - (a.target.Load() - a.now())
	if late < 0 {
		return // set anew since
	}
	late = min(late+late/2, int64(longestLead))
	a.lead.Store(lead + (late-lead)/16)
}

// Close ends a Wait and all that follow. It may be called more than once.
func (a *Alarm) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.closed = true
		a.timer.close()
	}
}

func (a *Alarm) now() int64 { return int64(time.Since(a.epoch)) }
