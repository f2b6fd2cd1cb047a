// A heap of candidates that can be changed by their index.

package policy

// indexHeap is a heap of candidates. The least key is first; of equal keys the least tie, and
// of those the least index. It knows where each candidate stands, so that any one can be taken
// out. Each node has four children: so it is half as deep as a binary heap, and the four lie
// in one cache line. Nothing allocates after newIndexHeap.
type indexHeap struct {
	entries []heapEntry
	where   []int32 // by candidate: its index in entries, or absent
}

type heapEntry struct {
	key float64
	tie uint32 // fills what would be padding, and so costs no memory
	id  int32  // the candidate's index
}

func (e heapEntry) before(other heapEntry) bool {
	if e.key != other.key {
		return e.key < other.key
	}
	return e.tie < other.tie || e.tie == other.tie && e.id < other.id
}

const (
	absent = -1
	arity  = 4
)

// newIndexHeap returns an empty heap for the candidates 0 to n-1.
func newIndexHeap(n int) indexHeap {
	h := indexHeap{entries: make([]heapEntry, 0, n), where: make([]int32, n)}
	for i := range h.where {
		h.where[i] = absent
	}
	return h
}

// least returns the candidate with the least key. The heap must not be empty.
func (h *indexHeap) least() heapEntry { return h.entries[0] }

func (h *indexHeap) empty() bool { return len(h.entries) == 0 }

func (h *indexHeap) has(id int32) bool { return h.where[id] != absent }

// push adds a candidate that is not in the heap.
func (h *indexHeap) push(id int32, key float64) { h.insert(heapEntry{key: key, id: id}) }

func (h *indexHeap) insert(e heapEntry) {
	h.entries = append(h.entries, heapEntry{})
	h.up(len(h.entries)-1, e)
}

// raise gives the least candidate a key that is no less than its old one.
func (h *indexHeap) raise(key float64) {
	h.down(0, heapEntry{key: key, id: h.entries[0].id})
}

// remove takes out a candidate that is in the heap.
func (h *indexHeap) remove(id int32) {
	at := int(h.where[id])
	h.where[id] = absent
	last := len(h.entries) - 1
	moved := h.entries[last]
	h.entries = h.entries[:last]
	if at == last {
		return
	}
	h.sift(at, moved)
}

// change gives a candidate that is in the heap another key.
func (h *indexHeap) change(id int32, key float64) { h.replace(heapEntry{key: key, id: id}) }

func (h *indexHeap) replace(e heapEntry) { h.sift(int(h.where[e.id]), e) }

// sift puts e at this index, or above or below it.
func (h *indexHeap) sift(at int, e heapEntry) {
	if at > 0 && e.before(h.entries[(at-1)/arity]) {
		h.up(at, e)
		return
	}
	h.down(at, e)
}

// clear empties the heap.
func (h *indexHeap) clear() {
	for _, e := range h.entries {
		h.where[e.id] = absent
	}
	h.entries = h.entries[:0]
}

// up puts e at this index, or above it.
func (h *indexHeap) up(at int, e heapEntry) {
	for at > 0 {
		parent := (at - 1) / arity
		if !e.before(h.entries[parent]) {
			break
		}
		h.set(at, h.entries[parent])
		at = parent
	}
	h.set(at, e)
}

// down puts e at this index, or below it.
func (h *indexHeap) down(at int, e heapEntry) {
	n := len(h.entries)
	for {
		first := arity*at + 1
		if first >= n {
			break
		}
		child := first
		for i := first + 1; i < min(first+arity, n); i++ {
			if h.entries[i].before(h.entries[child]) {
				child = i
			}
		}
		if !h.entries[child].before(e) {
			break
		}
		h.set(at, h.entries[child])
		at = child
	}
	h.set(at, e)
}

func (h *indexHeap) set(at int, e heapEntry) {
	h.entries[at] = e
	h.where[e.id] = int32(at)
}
