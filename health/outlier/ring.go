// A ring that keeps the last few of something.

package outlier

// ring keeps as many of the last items as it has room for.
type ring[T any] struct {
	items []T
	next  int // where the next item goes
	n     int // how many there are
}

// fit gives the ring room for so many, and keeps the newest.
func (r *ring[T]) fit(room int) {
	if room == len(r.items) {
		return
	}
	other := ring[T]{items: make([]T, room)}
	for i := min(r.n, room) - 1; i >= 0; i-- {
		other.push(*r.back(i))
	}
	*r = other
}

// push adds an item, in the place of the oldest where the ring is full.
func (r *ring[T]) push(item T) {
	r.items[r.next] = item
	r.next = (r.next + 1) % len(r.items)
	r.n = min(r.n+1, len(r.items))
}

// back is the item pushed so many items ago: 0 is the newest. There must be one.
func (r *ring[T]) back(i int) *T {
	return &r.items[(r.next-1-i+2*len(r.items))%len(r.items)]
}

// clear forgets all items.
func (r *ring[T]) clear() { r.next, r.n = 0, 0 }
