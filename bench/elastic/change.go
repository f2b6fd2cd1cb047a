// More and fewer replicas.

package elastic

import "slices"

// current is how many there are that are not on their way out.
func (f *fleet) current() int { return f.counts[starting] + f.counts[serving] }

// want makes it so many, those that start included.
func (f *fleet) want(n int) {
	n = min(max(n, f.min), f.max)
	was := f.current()
	if n == was {
		return
	}
	f.turned(n > was)
	for f.current() < n {
		if !f.revive() {
			f.order(f.start)
		}
	}
	for f.current() > n {
		f.release()
	}
	f.promote()
	f.figures.Peak = max(f.figures.Peak, len(f.replicas))
}

// turned notes in which direction the number went.
func (f *fleet) turned(up bool) {
	direction := -1
	if up {
		direction = 1
	}
	if f.last == -direction && f.now >= f.from {
		f.figures.Turns++
	}
	f.last = direction
}

// revive takes back the replica that has drained least, if that may be.
func (f *fleet) revive() bool {
	if !f.revives || f.counts[draining] == 0 {
		return false
	}
	var most *replica
	for _, r := range f.replicas {
		if r.phase == draining && (most == nil || r.busy > most.busy) {
			most = r
		}
	}
	most.phase = serving
	f.counts[draining]--
	f.counts[serving]++
	f.free += f.slots - most.busy
	f.dispatch()
	return true
}

// release lets one go: the newest that starts, or of those that serve the one with the least in flight, the newest of
// equal ones.
func (f *fleet) release() {
	var least *replica
	for _, r := range f.replicas {
		if r.phase == draining {
			continue
		}
		if least == nil || r.phase < least.phase || r.phase == least.phase && r.busy <= least.busy {
			least = r
		}
	}
	f.counts[least.phase]--
	if least.phase == serving {
		f.free -= f.slots - least.busy
	}
	least.phase = draining
	f.counts[draining]++
	if least.busy == 0 {
		f.remove(least)
	}
}

// remove forgets one that drains and has nothing in flight.
func (f *fleet) remove(r *replica) {
	f.counts[draining]--
	f.replicas = slices.DeleteFunc(f.replicas, func(other *replica) bool { return other == r })
}
