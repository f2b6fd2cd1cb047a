package proxy

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// memory is the budget that all held bodies share.
type memory struct{ used atomic.Int64 }

// reserve takes n bytes of the budget, if there are as many.
func (m *memory) reserve(n, limit int64) bool {
	if m.used.Add(n) <= limit {
		return true
	}
	m.used.Add(-n)
	return false
}

// Held bodies lie in buffers of 4 KiB, 8 KiB, … pooled by size.
const (
	minClass = 12
	maxClass = 32
)

var classes [maxClass + 1]sync.Pool // of *[]byte, by the logarithm of the size

func classOf(n int) int { return max(bits.Len(uint(max(n, 1)-1)), minClass) }

// held is a request's body, or the beginning of one, kept so that it can be sent
// again. The zero value holds nothing.
type held struct {
	buf      *[]byte
	n        int
	reserved int64
	whole    bool // the body has ended; else the rest streams through
}

func (h *held) bytes() []byte {
	if h.buf == nil {
		return nil
	}
	return (*h.buf)[:h.n]
}

// room is how many bytes h has place for.
func (h *held) room() int {
	if h.buf == nil {
		return 0
	}
	return len(*h.buf)
}

// grow makes room for size bytes in all, within the budget. It reports false,
// with nothing changed, when there is no budget for that.
func (h *held) grow(size int, m *memory, limit int64) bool {
	class := classOf(size)
	if class > maxClass {
		return false
	}
	n := int64(1) << class
	if !m.reserve(n-h.reserved, limit) {
		return false
	}
	h.reserved = n
	buf, ok := classes[class].Get().(*[]byte)
	if !ok {
		b := make([]byte, n)
		buf = &b
	}
	copy(*buf, h.bytes())
	h.recycle()
	h.buf = buf
	return true
}

func (h *held) recycle() {
	if h.buf != nil {
		classes[classOf(len(*h.buf))].Put(h.buf)
		h.buf = nil
	}
}

// release gives the memory back. It may be called more than once.
func (h *held) release(m *memory) {
	h.recycle()
	m.used.Add(-h.reserved)
	*h = held{}
}
