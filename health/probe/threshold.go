// How many results in a row change an endpoint's state.

package probe

// threshold turns a target's results into its state. It belongs to one goroutine.
type threshold struct {
	unhealthy, healthy int // results in a row that take it Down, and back
	state              State
	against            int // results in a row that speak against the state
}

// observe counts one result and reports whether the state changed. The very first result
// decides alone. Between Up and Busy, which are both well, one result is enough.
func (t *threshold) observe(r Result) (changed bool) {
	to := r.State()
	if (to == Down) == (t.state == Down) {
		t.against = 0
		changed = t.state != to
		t.state = to
		return changed
	}
	needed := t.unhealthy
	switch t.state {
	case Unknown:
		needed = 1
	case Down:
		needed = t.healthy
	}
	if t.against++; t.against < needed {
		return false
	}
	t.against, t.state = 0, to
	return true
}
