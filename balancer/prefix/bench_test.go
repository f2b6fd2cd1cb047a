package prefix_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/prefix"
)

func TestSteadyStateAllocatesNothing(t *testing.T) {
	text := noise(48 << 10)
	var h prefix.Hasher
	var chain []uint64
	x := prefix.NewIndex(100)
	x.Touch([]uint64{1})
	seed := uint64(0)
	once := func() {
		seed++
		h.Reset(prefix.Join(seed, text[:100]), prefix.Block)
		h.Write(text[:30_000])
		h.Write(text[30_000:])
		chain = h.Chain(chain)
		x.Match(chain)
		x.Touch(chain)
	}
	once()
	require.Zero(t, testing.AllocsPerRun(100, once))
}

// BenchmarkHash is one KiB of a prompt.
func BenchmarkHash(b *testing.B) {
	text := noise(32 << 10)
	var h prefix.Hasher
	b.SetBytes(prefix.Block)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%32 == 0 {
			h.Reset(uint64(i), prefix.Block)
			h.Write(text[:100])
		}
		at := i%31*prefix.Block + 100
		h.Write(text[at : at+prefix.Block])
	}
}

// BenchmarkMatch looks for a prompt of 48 blocks on each of so many full indexes, half of which
// have half of it.
func BenchmarkMatch(b *testing.B) {
	for _, endpoints := range []int{4, 16, 100} {
		b.Run(fmt.Sprint(endpoints), func(b *testing.B) {
			chain := hashes(0, prefix.Block, noise(48<<10))
			indexes := make([]*prefix.Index, endpoints)
			for i := range indexes {
				indexes[i] = prefix.NewIndex(4096)
				for seed := range uint64(90) {
					indexes[i].Touch(hashes(seed+1, prefix.Block, noise(48<<10)))
				}
				if i%2 == 0 {
					indexes[i].Touch(chain[:24])
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				for _, x := range indexes {
					x.Match(chain)
				}
			}
		})
	}
}

// BenchmarkTouch is one block of a full index, which another must leave for it.
func BenchmarkTouch(b *testing.B) {
	for _, blocks := range []int{4096, 65_536} {
		b.Run(fmt.Sprint(blocks), func(b *testing.B) {
			x := prefix.NewIndex(blocks)
			chain := make([]uint64, 1)
			for i := range blocks {
				chain[0] = uint64(i)
				x.Touch(chain)
			}
			b.ReportAllocs()
			for i := blocks; b.Loop(); i++ {
				chain[0] = uint64(i)
				x.Touch(chain)
			}
		})
	}
}
