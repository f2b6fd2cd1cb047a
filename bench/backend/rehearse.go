package backend

import (
	"fmt"
	"math"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
)

// Asked is one request of a rehearsal.
type Asked struct {
	At           time.Duration // since the beginning
	Units        float64       // of work, > 0
	PromptTokens int
}

// Rehearse lives through requests, which come by time, without sockets and without
// waiting, in the very engine that serves real ones. It returns when each is done,
// since the beginning. Whatever else models a server can be held against that.
func Rehearse(o Options, requests []Asked) ([]time.Duration, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	e := &engine{options: o, epoch: time.Now(), alarm: alarm.Plain(), speed: 1}
	defer e.alarm.Close()
	work, open, ends := newWorkload(o), map[int]*job{}, make([]time.Duration, len(requests))
	settle := func(until time.Duration) { // ends all that are due before that
		for next := e.next((*job).left); next <= until && next < never; next = e.next((*job).left) {
			e.change(e.epoch.Add(next), func() {})
			for i, j := range open {
				if j.done() {
					ends[i] = next
					delete(open, i)
				}
			}
		}
	}
	last := time.Duration(0)
	for i, r := range requests {
		if !(r.Units > 0) || math.IsInf(r.Units, 1) || r.PromptTokens < 0 || r.At < last {
			return nil, fmt.Errorf("rehearse simulated server %q: request %d is %+v: its units must be positive, its prompt not negative, and it may not come before the last", o.Name, i, r)
		}
		last = r.At
		settle(r.At)
		open[i] = work.job(r.Units, 0, r.PromptTokens)
		e.enter(open[i], e.epoch.Add(r.At))
	}
	settle(never - 1)
	return ends, nil
}
