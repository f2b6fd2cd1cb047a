// Memory for held bodies, within one budget.

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
	// keepBlocks is how long unused memory is kept.
	keepBlocks = 5 * time.Second
	// The last part of the budget, one in smallShare, is kept for bodies of at most
	// smallBody bytes: large bodies that come slowly cannot take all of it.
	smallBody  = 64 << 10
	smallShare = 8
)

// Block is a piece of memory for a body.
type Block [BlockBytes]byte

// Memory is the budget that all held bodies share, and the blocks that hold them. The
// blocks are mapped outside the heap: for heap memory in use the collector allows as
// much garbage again. There are never more blocks than the budget had room for, and
// memory that is no longer needed goes back to the system. The zero value is ready
// and safe for concurrent use.
//
// A mapping is never undone, so that a slice which outlived its block would read zeros
// and not crash the process.
type Memory struct {
	mu   sync.Mutex
	used int64    // bytes of the blocks in use
	kept int64    // bytes on the heap that Reserve counted
	warm []*Block // free, last used last
	cold []*Block // free, and the system has their memory
	slab []byte   // what is left of the newest mapping
	idle int      // the fewest that were warm since the last giveBack
	trim *time.Timer
}

// Take gives out a block if the budget of limit bytes allows it to a body that holds
// held bytes already.
func (m *Memory) Take(held int, limit int64) *Block {
	if held >= smallBody {
		limit -= limit / smallShare
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used+m.kept+BlockBytes > limit {
		return nil
	}
	b := m.free()
	if b != nil {
		m.used += BlockBytes
	}
	return b
}

// free finds a block, the one used last if there is one. The caller holds mu.
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
		m.idle = 0 // they were needed just now
		m.trim = time.AfterFunc(keepBlocks, m.giveBack)
	}
}

// Reserve counts bytes that somebody keeps on the heap beside bodies, if the budget of limit
// bytes allows them.
func (m *Memory) Reserve(bytes, limit int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used+m.kept+bytes > limit {
		return false
	}
	m.kept += bytes
	return true
}

// Return takes back what Reserve counted.
func (m *Memory) Return(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept -= bytes
}

// Reserved is how many bytes Reserve has counted.
func (m *Memory) Reserved() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept
}

// giveBack gives the system the memory of blocks that nobody has needed since its last
// call.
func (m *Memory) giveBack() {
	m.mu.Lock()
	n := m.idle
	unused := append([]*Block(nil), m.warm[:n]...)
	m.warm = append(m.warm[:0], m.warm[n:]...)
	m.mu.Unlock()
	for _, b := range unused {
		_ = unix.Madvise(b[:], adviceFree) // if it fails, the memory stays resident
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

// InUse is how many bytes are given out, in whole blocks. What Reserve counted lies on the heap.
func (m *Memory) InUse() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used
}
