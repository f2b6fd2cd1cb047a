// Package heap is a binary heap of numbered things by key, least first; of equal keys the least number. Equal pushes and
// pops give equal heaps, so that what is simulated twice comes out the same.
package heap

// Heap is ready to use when it is nil. It may be gone through, in no order; only its methods may write to it.
type Heap []Entry

// Entry is one thing in a Heap.
type Entry struct {
	Key float64
	ID  int32
}

func (a Entry) before(b Entry) bool { return a.Key < b.Key || a.Key == b.Key && a.ID < b.ID }

// Push puts one in.
func (h *Heap) Push(key float64, id int32) {
	e := Entry{key, id}
	*h = append(*h, e)
	all, at := *h, len(*h)-1
	for at > 0 {
		parent := (at - 1) / 2
		if !e.before(all[parent]) {
			break
		}
		all[at] = all[parent]
		at = parent
	}
	all[at] = e
}

// Pop takes out the least. The heap must not be empty.
func (h *Heap) Pop() Entry {
	all := *h
	least, e := all[0], all[len(all)-1]
	all = all[:len(all)-1]
	*h = all
	if len(all) == 0 {
		return least
	}
	at := 0
	for {
		child := 2*at + 1
		if child >= len(all) {
			break
		}
		if child+1 < len(all) && all[child+1].before(all[child]) {
			child++
		}
		if !all[child].before(e) {
			break
		}
		all[at] = all[child]
		at = child
	}
	all[at] = e
	return least
}

// Remove takes out the one of that number, if it is in. It takes as long as all that are in.
func (h *Heap) Remove(id int32) {
	all := *h
	for at := range all {
		if all[at].ID == id {
			*h = nil
			for i, e := range all {
				if i != at {
					h.Push(e.Key, e.ID)
				}
			}
			return
		}
	}
}
