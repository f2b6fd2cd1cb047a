// What was sent to one server, by hash, the last sent first.

package prefix

import "math/bits"

// MostBlocks is how many blocks an index has at most: 400 MiB of memory.
const MostBlocks = 1 << 24

// Index remembers the hashes of prompts in fixed memory. It is for one goroutine at a time.
type Index struct {
	limit int
	n     int      // blocks that are there, in slots 1 to n
	slots []slot   // a ring from the youngest to the oldest; slot 0 closes it, and is no block
	table []uint32 // slots by hash, by linear probing; 0: free. A power of two, half of it free at least
	shift uint
}

// slot is a block.
type slot struct {
	hash    uint64
	younger uint32
	older   uint32
}

// NewIndex returns an empty index with room for so many blocks.
func NewIndex(blocks int) *Index { return &Index{limit: bounded(blocks)} }

func bounded(blocks int) int { return min(max(blocks, 0), MostBlocks) }

// Len is how many blocks are there.
func (x *Index) Len() int { return x.n }

// Blocks is how many there is room for.
func (x *Index) Blocks() int { return x.limit }

// Match returns how many blocks at the beginning of a chain are there.
func (x *Index) Match(chain []uint64) int {
	if x.n == 0 || len(chain) == 0 {
		return 0
	}
	if _, s := x.find(chain[0]); s == 0 { // most servers have nothing of a prompt: each look is at memory far away
		return 0
	}
	there, gone := 1, len(chain)+1 // the first there are there, the first gone are not all
	for gone-there > 1 {
		middle := int(uint(there+gone) / 2)
		if _, s := x.find(chain[middle-1]); s != 0 {
			there = middle
		} else {
			gone = middle
		}
	}
	return there
}

// Touch says that the blocks of a chain are there now. Of a chain that is longer than the
// index, its beginning is.
func (x *Index) Touch(chain []uint64) {
	chain = chain[:min(len(chain), x.limit)]
	if len(chain) == 0 {
		return
	}
	if x.slots == nil {
		x.allocate()
	}
	for i := len(chain) - 1; i >= 0; i-- {
		x.touch(chain[i])
	}
}

// allocate takes the memory of an empty index.
func (x *Index) allocate() {
	size := uint(bits.Len(uint(2*x.limit - 1)))
	x.slots, x.table, x.shift = make([]slot, x.limit+1), make([]uint32, 1<<size), 64-size
}

func (x *Index) touch(hash uint64) {
	at, s := x.find(hash)
	switch {
	case s != 0:
		x.unlink(s)
	case x.n < x.limit:
		x.n++
		s = uint32(x.n)
		x.table[at] = s
	default:
		s = x.slots[0].younger // the oldest
		x.unlink(s)
		old, _ := x.find(x.slots[s].hash)
		x.free(old)
		at, _ = x.find(hash) // it may have moved up
		x.table[at] = s
	}
	x.slots[s].hash = hash
	x.link(s)
}

// home is where a hash lies in the table, if nothing else does.
func (x *Index) home(hash uint64) uint32 { return uint32(hash * 0x9E3779B97F4A7C15 >> x.shift) }

// find returns where a hash lies in the table and its slot; or where it would lie, and 0.
func (x *Index) find(hash uint64) (at, s uint32) {
	mask := uint32(len(x.table) - 1)
	for at = x.home(hash); ; at = (at + 1) & mask {
		if s = x.table[at]; s == 0 || x.slots[s].hash == hash {
			return at, s
		}
	}
}

// free frees a place in the table, and moves up what lies behind it and would not be found.
func (x *Index) free(hole uint32) {
	mask := uint32(len(x.table) - 1)
	for at := (hole + 1) & mask; x.table[at] != 0; at = (at + 1) & mask {
		home := x.home(x.slots[x.table[at]].hash)
		if (at-home)&mask >= (at-hole)&mask { // its home is not behind the hole
			x.table[hole] = x.table[at]
			hole = at
		}
	}
	x.table[hole] = 0
}

// link makes a slot the youngest. Slot 0 is older than the oldest, and younger than the
// youngest.
func (x *Index) link(s uint32) {
	youngest := x.slots[0].older
	x.slots[s].younger, x.slots[s].older = 0, youngest
	x.slots[youngest].younger, x.slots[0].older = s, s
}

func (x *Index) unlink(s uint32) {
	younger, older := x.slots[s].younger, x.slots[s].older
	x.slots[younger].older, x.slots[older].younger = older, younger
}

// Clear forgets all blocks and keeps the memory.
func (x *Index) Clear() {
	if x.n > 0 {
		x.n = 0
		clear(x.table)
		x.slots[0] = slot{}
	}
}

// Resize changes how many blocks there is room for. The youngest stay. It takes new memory.
func (x *Index) Resize(blocks int) {
	if blocks = bounded(blocks); blocks == x.limit {
		return
	}
	was := *x
	*x = Index{limit: blocks}
	if was.n == 0 || blocks == 0 {
		return
	}
	x.allocate()
	s := was.slots[0].older
	for range min(was.n, blocks) - 1 {
		s = was.slots[s].older
	}
	for ; s != 0; s = was.slots[s].younger { // from the oldest that stays
		x.touch(was.slots[s].hash)
	}
}
