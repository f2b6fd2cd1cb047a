package wire

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// BlockBytes is the size of a [Block].
	BlockBytes = 32 << 10
	slabBytes  = 1 << 20
	// keepBlocks is for how long memory that nobody has needed is kept.
	keepBlocks = 5 * time.Second
	// smallBody is how large a body may be that the last part of the budget is for,
	// one part in smallShare: large ones that come slowly cannot take all of it.
	smallBody  = 64 << 10
	smallShare = 8
)

// Block is a piece of memory for a body.
type Block [BlockBytes]byte

// Memory is the budget that all held bodies share, and the blocks that they lie in.
// The blocks are mapped past the collector, which would let as much garbage lie
// beside them as there are. There are never more of them than the budget has had
// room for, and what nobody needs any longer goes back to the system. The zero value
// is ready; it is safe for concurrent use.
//
// A mapping is never undone: a slice that outlived its block would read zeros, and
// not end the process.
type Memory struct {
	mu   sync.Mutex
	used int64    // bytes of the blocks in use
	warm []*Block // free, last used last
	cold []*Block // free, and the system has their memory
	slab []byte   // what is left of the newest mapping
	idle int      // the least that was warm since the last trim
	trim *time.Timer
}

// Take gives a block out, if the budget of limit bytes allows it to a body that has
// held bytes of it already.
func (m *Memory) Take(held int, limit int64) *Block {
	if held >= smallBody {
		limit -= limit / smallShare
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used+BlockBytes > limit {
		return nil
	}
	b := m.free()
	if b != nil {
		m.used += BlockBytes
	}
	return b
}

// free finds a block, the one used last if there is any. It is called under mu.
func (m *Memory) free() *Block {
	for _, list := range []*[]*Block{&m.warm, &m.cold} {
		if n := len(*list); n > 0 {
			b := (*list)[n-1]
			*list = (*list)[:n-1]
			m.idle = min(m.idle, len(m.warm))
			return b
		}
	}
	if len(m.slab) == 0 {
		slab, err := unix.Mmap(-1, 0, slabBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
		if err != nil {
			return nil // as if the budget were used up
		}
		m.slab = slab
	}
	b := (*Block)(m.slab)
	m.slab = m.slab[BlockBytes:]
	return b
}

// Give takes blocks back.
func (m *Memory) Give(blocks []*Block) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.warm = append(m.warm, blocks...)
	m.used -= int64(len(blocks)) * BlockBytes
	if m.trim == nil {
		m.idle = 0 // they have been needed just now
		m.trim = time.AfterFunc(keepBlocks, m.giveBack)
	}
}

// giveBack gives the system the memory of the blocks that nobody has needed since it
// was here last.
func (m *Memory) giveBack() {
	m.mu.Lock()
	n := m.idle
	unused := append([]*Block(nil), m.warm[:n]...)
	m.warm = append(m.warm[:0], m.warm[n:]...)
	m.mu.Unlock()
	for _, b := range unused {
		_ = unix.Madvise(b[:], adviceFree) // where it fails, they stay resident
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cold = append(m.cold, unused...)
	if m.idle = len(m.warm); m.idle == 0 {
		m.trim = nil
		return
	}
	m.trim = time.AfterFunc(keepBlocks, m.giveBack)
}

// InUse is how many bytes the blocks have that are given out.
func (m *Memory) InUse() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used
}
