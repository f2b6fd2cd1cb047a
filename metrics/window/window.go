// Counting over the last hour, six hours and three days.

package window

import "time"

// Kept is the longest time over which a Window can sum.
const Kept = 3 * 24 * time.Hour

// Count is how many events there were, and how many of them were bad.
type Count struct{ All, Bad uint64 }

// tiers are how finely and for how long events are kept.
var tiers = [...]struct {
	step  time.Duration
	slots int
}{
	{10 * time.Second, 360},
	{time.Minute, 360},
	{10 * time.Minute, 432},
}

// Window counts events over the last three days.
type Window struct {
	age   time.Duration // since it was made, at most Kept
	rings [len(tiers)]ring
}

// ring is one tier.
type ring struct {
	step   time.Duration
	slots  []Count
	newest int           // the slot that events go into
	spent  time.Duration // of the newest slot
}

// New is a Window that has seen nothing.
func New() *Window {
	w := &Window{}
	for i, t := range tiers {
		w.rings[i] = ring{step: t.step, slots: make([]Count, t.slots)}
	}
	return w
}

// Advance lets time pass. Less than none is none.
func (w *Window) Advance(d time.Duration) {
	d = max(d, 0)
	w.age = min(w.age+min(d, Kept), Kept)
	for i := range w.rings {
		w.rings[i].advance(d)
	}
}

func (r *ring) advance(d time.Duration) {
	r.spent += min(d, r.step*time.Duration(len(r.slots))) // by then all are empty
	for r.spent >= r.step {
		r.spent -= r.step
		r.newest = (r.newest + 1) % len(r.slots)
		r.slots[r.newest] = Count{}
	}
}

// Add counts events that were seen just now.
func (w *Window) Add(all, bad uint64) {
	for i := range w.rings {
		r := &w.rings[i]
		r.slots[r.newest].All += all
		r.slots[r.newest].Bad += bad
	}
}

// Sum is what there was in the last d, which is at most Kept, and how much of d the window has
// seen. It takes the finest slots that reach so far back.
func (w *Window) Sum(d time.Duration) (sum Count, known time.Duration) {
	r := &w.rings[len(w.rings)-1]
	for i := range w.rings {
		if w.rings[i].step*time.Duration(len(w.rings[i].slots)) >= d {
			r = &w.rings[i]
			break
		}
	}
	n := min(max(int(d/r.step), 1), len(r.slots))
	for i := range n {
		c := r.slots[(r.newest-i+len(r.slots))%len(r.slots)]
		sum.All += c.All
		sum.Bad += c.Bad
	}
	return sum, min(w.age, d)
}
