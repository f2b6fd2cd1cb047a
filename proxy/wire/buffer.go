package wire

import "sync"

// Buffers is a pool of equal byte buffers. Safe for concurrent use.
type Buffers struct {
	size int
	pool sync.Pool
}

// Buffer is one buffer of its pool. B has the pool's full size.
type Buffer struct {
	B    []byte
	home *Buffers
}

// NewBuffers makes a pool of buffers of size bytes each.
func NewBuffers(size int) *Buffers {
	b := &Buffers{size: size}
	b.pool.New = func() any { return &Buffer{B: make([]byte, size), home: b} }
	return b
}

// Size is the size in bytes of each buffer.
func (b *Buffers) Size() int { return b.size }

// Get takes a buffer; its contents are whatever its last user left.
func (b *Buffers) Get() *Buffer { return b.pool.Get().(*Buffer) }

// Hold makes p, which was appended to the buffer from its beginning, what is in it, also
// where it has outgrown it.
func (b *Buffer) Hold(p []byte) {
	if len(p) > len(b.B) {
		b.B = p
	}
}

// Release gives the buffer back, unless something has outgrown it. The caller must hold no
// slice of it.
func (b *Buffer) Release() {
	if len(b.B) == b.home.size {
		b.home.pool.Put(b)
	}
}
