// Advice on the order in which requests are served.

package advice

import (
	"fmt"
	"math"
)

const (
	// uneven is the squared coefficient of variation of the work from which on the shortest should go first.
	uneven = 2
	// waiting is the part of R that must be waiting for a slot: else no order does anything.
	waiting = 0.02
)

// orders advises to serve the shortest first.
func orders(v *view) []Advice {
	switch {
	case v.setup.Queue.Order == "shortest_first":
		return v.well(Policy, len(v.log), "the shortest goes first already", nil)
	case !v.setup.queues():
		return v.well(Policy, len(v.log), "no request waits here, as no endpoint has slots or the queue is off: their order does nothing", nil)
	case len(v.log) < leastReplay:
		return v.unsure(Policy, len(v.log), fmt.Sprintf("it takes %d requests, and there are %d", leastReplay, len(v.log)), nil)
	}
	spread, waits := v.variation()
	between := [2]float64{max(spread.mean-spread.error, 0), spread.mean + spread.error}
	evidence := map[string]any{"cv2": spread.mean, "waiting_ratio": waits}
	switch {
	case between[0] <= uneven:
		a := v.well(Policy, len(v.log), fmt.Sprintf("requests are alike enough to go in the order in which they come: the squared coefficient of variation of their work is %.1f", spread.mean), evidence)
		a[0].Interval = &between
		return a
	case waits < waiting:
		a := v.well(Policy, len(v.log), fmt.Sprintf("requests differ much, but hardly wait: %s of R is waiting", percent(waits)), evidence)
		a[0].Interval = &between
		return a
	}
	a := v.told(Policy, Advised, len(v.log), fmt.Sprintf("requests differ much in their work (its squared coefficient of variation is %.1f) and wait for %s of R: the shortest should go first", spread.mean, percent(waits)), evidence)
	a.Interval = &between
	a.Changes = []Change{{v.setup.Name, "", "queue.order", "shortest_first"}}
	d := v.try(&a, 1, v.setup.with(func(u *Upstream) { u.Queue.Order = "shortest_first" }))
	return []Advice{v.settle(a, d, d.gains())}
}

// variation is the squared coefficient of variation of the work, and the part of R that is waiting for a slot.
func (v *view) variation() (cv2 spread, waits float64) {
	var values []float64
	queued, all := 0.0, 0.0
	blocks(len(v.log), parts, func(from, to int) {
		n, sum, squares := 0.0, 0.0, 0.0
		for i := from; i < to; i++ {
			q := &v.log[i]
			if q.Endpoint == "" {
				continue
			}
			work := q.work()
			n, sum, squares = n+1, sum+work, squares+work*work
			queued += q.Queue.Seconds()
			all += q.Response().Seconds()
		}
		if n > 1 && sum > 0 {
			values = append(values, math.Max(squares/n/(sum/n*sum/n)-1, 0))
		}
	})
	if all > 0 {
		waits = queued / all
	}
	return spreadOf(values), waits
}
