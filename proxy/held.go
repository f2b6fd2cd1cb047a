// A request's body held in memory, so that it can be sent again.

package proxy

import (
	"github.com/steelyard-proxy/steelyard/proxy/payload"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// held is a request's body, or the beginning of one, kept so that it can be sent
// again. It grows block by block as bytes come: what a client announces costs
// nothing. The zero value holds nothing.
type held struct {
	blocks []*wire.Block // all full but the last
	n      int
	whole  bool // the body has ended; else the rest streams through
}

// room is where the next bytes go; empty where another block is needed.
func (h *held) room() []byte {
	if h.n == len(h.blocks)*wire.BlockBytes {
		return nil
	}
	return h.blocks[len(h.blocks)-1][h.n%wire.BlockBytes:]
}

// grow makes room for more. It reports false, with nothing changed, when the budget
// of limit bytes has none.
func (h *held) grow(m *wire.Memory, limit int64) bool {
	b := m.Take(h.n, limit)
	if b != nil {
		h.blocks = append(h.blocks, b)
	}
	return b != nil
}

// pieces are the bytes in their order, block by block.
func (h *held) pieces(yield func([]byte) bool) {
	for i, b := range h.blocks {
		if !yield(b[:min(wire.BlockBytes, h.n-i*wire.BlockBytes)]) {
			return
		}
	}
}

// small is the whole of what is held, where one block is enough.
func (h *held) small() []byte {
	if h.n == 0 {
		return nil
	}
	return h.blocks[0][:min(h.n, wire.BlockBytes)]
}

// appendEnd appends the last n bytes; there are as many.
func (h *held) appendEnd(to []byte, n int) []byte {
	for from := h.n - n; from < h.n; {
		piece := h.blocks[from/wire.BlockBytes][from%wire.BlockBytes : min(wire.BlockBytes, h.n-from/wire.BlockBytes*wire.BlockBytes)]
		to, from = append(to, piece...), from+len(piece)
	}
	return to
}

// pictured says whether the body seems to have a picture or sound of more than 16 KiB: it looks at some bytes each 8 KiB.
func (h *held) pictured() bool {
	const step, some = 8 << 10, 64
	for from := step; from+some <= h.n; from += step {
		at := from % wire.BlockBytes
		if payload.Encoded(h.blocks[from/wire.BlockBytes][at : at+some]) {
			return true
		}
	}
	return false
}

// uncounted is how much an exchange keeps beside the body without asking, and then the step by which it asks.
const uncounted = 4 << 10

// keeps says whether body_memory has room for so many bytes that the exchange keeps beside the body, all of them
// together: of answers and of the text that is followed.
func (x *exchange) keeps(bytes int64) bool {
	more := bytes - uncounted - x.reserved
	if more <= 0 {
		return true
	}
	more += uncounted - 1
	more -= more % uncounted
	if !x.handler.memory.Reserve(more, x.generation.BodyMemory) {
		return false
	}
	x.reserved += more
	return true
}

// release gives the memory back. It may be called more than once.
func (h *held) release(m *wire.Memory) {
	if len(h.blocks) > 0 {
		m.Give(h.blocks)
		clear(h.blocks)
	}
	*h = held{blocks: h.blocks[:0]}
}
