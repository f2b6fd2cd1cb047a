package sim

// heap is a binary heap of numbered things by key, least first; of equal keys the least
// number.
type heap []entry

type entry struct {
	key float64
	id  int32
}

func (a entry) before(b entry) bool { return a.key < b.key || a.key == b.key && a.id < b.id }

func (h *heap) push(key float64, id int32) {
	e := entry{key, id}
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

// pop takes out the least. The heap must not be empty.
func (h *heap) pop() entry {
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
