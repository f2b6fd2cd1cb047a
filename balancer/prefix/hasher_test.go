package prefix_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/prefix"
)

func noise(n int) []byte {
	random := rand.New(rand.NewPCG(7, 8))
	text := make([]byte, n)
	for i := range text {
		text[i] = byte(random.Uint32())
	}
	return text
}

func hashes(seed uint64, blockBytes int, pieces ...[]byte) []uint64 {
	var h prefix.Hasher
	h.Reset(seed, blockBytes)
	for _, piece := range pieces {
		h.Write(piece)
	}
	return h.Chain(nil)
}

// plain are the hashes by their definition.
func plain(seed uint64, blockBytes int, text []byte) (chain []uint64) {
	for k := 1; k*prefix.Block <= len(text); k++ {
		seed = prefix.Join(seed, text[(k-1)*prefix.Block:k*prefix.Block])
		if k*prefix.Block%blockBytes == 0 && len(chain) < prefix.Most {
			chain = append(chain, seed)
		}
	}
	return chain
}

func TestPiecesDoNotMatter(t *testing.T) {
	text := noise(70_000)
	random := rand.New(rand.NewPCG(5, 6))
	for _, blockBytes := range []int{prefix.Block, 2 * prefix.Block} {
		want := plain(3, blockBytes, text)
		require.Len(t, want, len(text)/blockBytes)
		for range 200 {
			var pieces [][]byte
			for rest := text; len(rest) > 0; {
				n := min(len(rest), random.IntN(4000))
				pieces, rest = append(pieces, rest[:n]), rest[n:]
			}
			require.Equal(t, want, hashes(3, blockBytes, pieces...))
		}
	}
}

func FuzzHasher(f *testing.F) {
	f.Add(noise(3000), uint16(900), uint16(1200), true)
	f.Add(noise(1024), uint16(0), uint16(1024), false)
	f.Fuzz(func(t *testing.T, text []byte, first, second uint16, two bool) {
		blockBytes := prefix.Block
		if two {
			blockBytes *= 2
		}
		a := min(len(text), int(first))
		b := min(len(text), a+int(second))
		want := plain(1, blockBytes, text)
		got := hashes(1, blockBytes, text[:a], text[a:b], text[b:])
		require.Equal(t, len(want), len(got))
		for i := range want {
			require.Equal(t, want[i], got[i])
		}
	})
}

func TestHashesStandForAllThatLiesBefore(t *testing.T) {
	text := noise(5 * prefix.Block)
	first := hashes(1, prefix.Block, text)
	changed := bytes.Clone(text)
	changed[2*prefix.Block]++
	second := hashes(1, prefix.Block, changed)
	require.Equal(t, first[:2], second[:2])
	for k := 2; k < 5; k++ {
		require.NotEqual(t, first[k], second[k])
	}
	other := hashes(2, prefix.Block, text)
	for k := range other {
		require.NotEqual(t, first[k], other[k], "another seed")
	}
}

// TestEqualBlocksHaveDifferentHashes: zeros after zeros, and blocks that change places.
func TestEqualBlocksHaveDifferentHashes(t *testing.T) {
	seen := map[uint64]bool{}
	for _, hash := range hashes(0, prefix.Block, make([]byte, 600*prefix.Block)) {
		require.False(t, seen[hash])
		seen[hash] = true
	}
	a, b := noise(prefix.Block), make([]byte, prefix.Block)
	require.NotEqual(t, hashes(0, prefix.Block, a, b)[1], hashes(0, prefix.Block, b, a)[1])
}

// TestStandInsGrow: what is known of a session's last request is known of its next.
func TestStandInsGrow(t *testing.T) {
	short, long := prefix.StandIn(7, 5*prefix.Block+9, nil), prefix.StandIn(7, 10*prefix.Block, nil)
	require.Len(t, short, 5)
	require.Len(t, long, 10)
	require.Equal(t, short, long[:5])
	x := prefix.NewIndex(1000)
	x.Touch(prefix.StandIn(7, 256<<10, nil))
	require.Equal(t, 128, x.Match(prefix.StandIn(7, 300<<10, nil)), "in blocks of 2 KiB")
	require.Zero(t, x.Match(prefix.StandIn(8, 300<<10, nil)))
	require.Empty(t, prefix.StandIn(7, 0, nil))
	require.Len(t, prefix.StandIn(7, 1<<60, nil), prefix.Most)
}

func TestLongPromptsHaveBoundedChains(t *testing.T) {
	require.Equal(t, prefix.Block, prefix.BlockBytes(256<<10))
	require.Equal(t, 2*prefix.Block, prefix.BlockBytes(256<<10+1))
	var h prefix.Hasher
	h.Reset(1, 2*prefix.Block)
	text := noise(100 * prefix.Block)
	for range 100 {
		h.Write(text)
	}
	require.True(t, h.Full())
	require.Len(t, h.Chain(nil), prefix.Most)
}
