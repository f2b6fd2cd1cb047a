// From the bytes of a prompt to the hashes of its beginnings.

package prefix

import (
	"hash/maphash"
	"math/bits"
)

const (
	// Block is the length of a block in bytes; of a long prompt only every second counts.
	Block = 1 << 10
	// Most is how many hashes a prompt has at most.
	Most = 512
	// long is from how many bytes on a prompt is long.
	long = 256 << 10
)

// BlockBytes is how many bytes each hash stands for in a prompt of this length.
func BlockBytes(promptBytes int64) int {
	if promptBytes > long {
		return 2 * Block
	}
	return Block
}

var secret = maphash.MakeSeed()

// secrets keep products from being zero by choice.
var secrets = [2]uint64{maphash.String(secret, "before"), maphash.String(secret, "after")}

// Join returns the hash of what has the hash before and is followed by b.
func Join(before uint64, b []byte) uint64 {
	high, low := bits.Mul64(before^secrets[0], maphash.Bytes(secret, b)^secrets[1])
	return high ^ low
}

// Hasher makes the hashes of a prompt that comes in pieces. It allocates nothing.
type Hasher struct {
	last    uint64 // hash of all blocks so far
	skip    int    // blocks for each hash that is kept, less one
	left    int    // blocks before the next hash that is kept
	begun   int    // bytes of a block that has begun
	n       int    // hashes
	partial [Block]byte
	chain   [Most]uint64
}

// Reset begins a prompt. The seed is the hash of all that must be equal beside its bytes;
// blockBytes is a multiple of Block.
func (h *Hasher) Reset(seed uint64, blockBytes int) {
	h.last, h.skip, h.begun, h.n = seed, max(blockBytes/Block, 1)-1, 0, 0
	h.left = h.skip
}

// Write takes the next piece of the prompt.
func (h *Hasher) Write(piece []byte) {
	if h.begun > 0 && h.n < Most {
		n := copy(h.partial[h.begun:], piece)
		if h.begun, piece = h.begun+n, piece[n:]; h.begun < Block {
			return
		}
		h.begun = 0
		h.block(h.partial[:])
	}
	for ; len(piece) >= Block && h.n < Most; piece = piece[Block:] {
		h.block(piece[:Block])
	}
	if h.n < Most {
		h.begun = copy(h.partial[:], piece)
	}
}

// Full reports whether more of the prompt would change nothing.
func (h *Hasher) Full() bool { return h.n == Most }

func (h *Hasher) block(b []byte) {
	h.last = Join(h.last, b)
	if h.left > 0 {
		h.left--
		return
	}
	h.left = h.skip
	h.chain[h.n] = h.last
	h.n++
}

// Chain writes the hashes of the full blocks into memory that it is given, or new memory if
// that is too small.
func (h *Hasher) Chain(into []uint64) []uint64 { return append(into[:0], h.chain[:h.n]...) }

// StandIn returns hashes for a prompt of which nothing is known but its length, and the hash of
// what it belongs to: of two that belong to the same, the shorter one is taken for the
// beginning of the longer one.
func StandIn(of uint64, promptBytes int64, into []uint64) []uint64 {
	blockBytes := int64(BlockBytes(promptBytes))
	into = into[:0]
	for at := blockBytes; at <= promptBytes && len(into) < Most; at += blockBytes {
		high, low := bits.Mul64(of^secrets[0], uint64(at)^secrets[1])
		into = append(into, high^low)
	}
	return into
}
