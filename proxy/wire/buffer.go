// Pools of byte buffers.

package wire

import "sync"

// Buffers is a pool of equal byte buffers. Safe for concurrent use.
type Buffers struct {
	size int // of each
	most int // size to which one may grow in use
	pool sync.Pool
}

// Buffer is one buffer of its pool. B has the pool's full size.
type Buffer struct {
	B    []byte
	home *Buffers
}

// NewBuffers makes a pool of buffers of size bytes each.
func NewBuffers(size int) *Buffers { return NewGrowing(size, size) }

// NewGrowing makes a pool of buffers of size bytes each, which may grow to most bytes in use:
// so not every buffer must have room for rare large messages.
func NewGrowing(size, most int) *Buffers {
	b := &Buffers{size: size, most: most}
	b.pool.New = func() any { return &Buffer{B: make([]byte, size), home: b} }
	return b
}

// Size is the size in bytes of each buffer.
func (b *Buffers) Size() int { return b.size }

// Get takes a buffer; its contents are whatever its last user left.
func (b *Buffers) Get() *Buffer { return b.pool.Get().(*Buffer) }

// Hold makes p the buffer's contents. p must have been appended to B[:0], and may have
// outgrown it.
func (b *Buffer) Hold(p []byte) {
	if len(p) > len(b.B) {
		b.B = p
	}
}

// grow makes the buffer up to twice as large, keeps its contents, and says whether it could.
func (b *Buffer) grow() bool {
	if len(b.B) >= b.home.most {
		return false
	}
	larger := make([]byte, min(2*len(b.B), b.home.most))
	copy(larger, b.B)
	b.B = larger
	return true
}

// Release gives the buffer back to its pool, unless it has grown. The caller must hold no
// slice of it.
func (b *Buffer) Release() {
	if len(b.B) == b.home.size {
		b.home.pool.Put(b)
	}
}
