// A queue that allocates only while it grows.

package wire

// fifo is a first-in, first-out queue that allocates only while it grows.
type fifo[T any] struct {
	items []T
	head  int // index of the oldest
}

func (q *fifo[T]) len() int { return len(q.items) - q.head }

func (q *fifo[T]) push(item T) {
	// Half of the slice is gone: move the rest forward rather than grow for ever.
	if q.head > 64 && q.head*2 > len(q.items) {
		q.items = q.items[:copy(q.items, q.items[q.head:])]
		q.head = 0
	}
	q.items = append(q.items, item)
}

func (q *fifo[T]) pop() (item T, ok bool) {
	if q.len() == 0 {
		return item, false
	}
	item = q.items[q.head]
	q.head++
	return item, true
}
