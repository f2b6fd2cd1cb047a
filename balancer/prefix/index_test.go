package prefix_test

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/prefix"
)

// naive is an index that is plainly right: hashes from the oldest to the youngest.
type naive struct {
	limit  int
	hashes []uint64
}

func (n *naive) touch(chain []uint64) {
	for _, hash := range slices.Backward(chain[:min(len(chain), n.limit)]) {
		if at := slices.Index(n.hashes, hash); at >= 0 {
			n.hashes = slices.Delete(n.hashes, at, at+1)
		} else if len(n.hashes) == n.limit {
			n.hashes = n.hashes[1:]
		}
		n.hashes = append(n.hashes, hash)
	}
}

func (n *naive) match(chain []uint64) int {
	for i, hash := range chain {
		if !slices.Contains(n.hashes, hash) {
			return i
		}
	}
	return len(chain)
}

func (n *naive) resize(limit int) {
	n.limit = limit
	n.hashes = n.hashes[max(0, len(n.hashes)-limit):]
}

// chainOf is a chain in which equal choices at the beginning give equal hashes.
func chainOf(choices []byte) []uint64 {
	var chain []uint64
	hash := uint64(0)
	for _, c := range choices {
		hash = prefix.Join(hash, []byte{c})
		chain = append(chain, hash)
	}
	return chain
}

// compare plays what the bytes say on an index and on a naive one.
func compare(t *testing.T, script []byte) {
	next := func() byte {
		if len(script) == 0 {
			return 0
		}
		b := script[0]
		script = script[1:]
		return b
	}
	limit := int(next()) % 40
	x, want := prefix.NewIndex(limit), &naive{limit: limit}
	for len(script) > 0 {
		choices := make([]byte, next()%24)
		for i := range choices {
			choices[i] = next() % 3
		}
		chain := chainOf(choices)
		switch op := next(); {
		case op < 8:
			x.Clear()
			want.hashes = nil
		case op < 16:
			limit := int(next()) % 40
			x.Resize(limit)
			want.resize(limit)
		case op < 80:
		default:
			x.Touch(chain)
			want.touch(chain)
		}
		require.Equal(t, want.match(chain), x.Match(chain))
		require.Equal(t, len(want.hashes), x.Len())
		require.Equal(t, want.limit, x.Blocks())
	}
}

func TestIndexIsOneThatForgetsTheOldest(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		script := make([]byte, 4000)
		for i := 0; i < len(script); i += 8 {
			binary.LittleEndian.PutUint64(script[i:], random.Uint64())
		}
		compare(t, script)
	}
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte{9, 3, 0, 1, 2, 200, 3, 0, 1, 1, 200})
	f.Fuzz(compare)
}

// TestMillionsOfPrefixesTakeFixedMemory sends more different prompts than there is room for.
func TestMillionsOfPrefixesTakeFixedMemory(t *testing.T) {
	x := prefix.NewIndex(4096)
	common := chainOf([]byte("system"))
	chain := slices.Clone(common)
	x.Touch(chain)
	random := rand.New(rand.NewPCG(3, 4))
	grown := testing.AllocsPerRun(1, func() {
		for i := range 1_000_000 {
			chain = append(chain[:len(common)], uint64(i), random.Uint64())
			x.Touch(chain)
		}
	})
	require.Zero(t, grown)
	require.Equal(t, 4096, x.Len())
	require.Equal(t, len(chain), x.Match(chain))
	require.Equal(t, len(common), x.Match(append(slices.Clone(common), 1)), "what all have in common is never old")
}

// TestBlocksAreSmall: a block takes 24 bytes, and 8 more at most where the table is rounded up.
func TestBlocksAreSmall(t *testing.T) {
	for _, blocks := range []int{512, 4096, 4097, 100_000} {
		x := prefix.NewIndex(blocks)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		x.Touch([]uint64{1})
		runtime.ReadMemStats(&after)
		require.LessOrEqual(t, after.TotalAlloc-before.TotalAlloc, uint64(blocks*64), "%d blocks", blocks)
	}
}

func TestIndexWithoutRoomHasNothing(t *testing.T) {
	for _, blocks := range []int{0, -1} {
		x := prefix.NewIndex(blocks)
		x.Touch([]uint64{1, 2})
		require.Zero(t, x.Match([]uint64{1, 2}))
		x.Resize(blocks)
		x.Clear()
		require.Zero(t, x.Len())
	}
}

// TestEverySecondBlockIsFoundAmongAll: a conversation that has grown long is known by the
// hashes that it left when it was short.
func TestEverySecondBlockIsFoundAmongAll(t *testing.T) {
	x := prefix.NewIndex(100)
	all := chainOf([]byte("abcdefgh"))
	x.Touch(all)
	var second []uint64
	for i := 1; i < len(all); i += 2 {
		second = append(second, all[i])
	}
	require.Equal(t, 4, x.Match(append(second, 1, 2, 3)))
}
