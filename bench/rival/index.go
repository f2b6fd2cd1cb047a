// What a gateway thinks that an engine has in its cache.

package rival

import (
	"sort"

	"github.com/steelyard-proxy/steelyard/balancer/prefix"
	"github.com/steelyard-proxy/steelyard/bench/engine"
)

// index remembers prompts by the chained ids of their blocks.
type index interface {
	match(blocks []uint64) int // how many leading blocks are there
	touch(blocks []uint64)     // they are there from now on
}

// newIndex is the index for engine e, by the rule; nil: none.
func (b *builder) newIndex(e int) index {
	switch b.index {
	case likeTheCache:
		return bounded{prefix.NewIndex(max(b.engines.State(e).TotalTokens/engine.BlockTokens, 1))}
	case endless:
		return everything{}
	case precise:
		return events{b, e}
	}
	return nil
}

// bounded forgets what was not used for the longest time.
type bounded struct{ *prefix.Index }

func (x bounded) match(blocks []uint64) int { return x.Match(blocks) }
func (x bounded) touch(blocks []uint64)     { x.Touch(blocks) }

// everything forgets nothing.
type everything map[uint64]struct{}

func (x everything) match(blocks []uint64) int {
	return sort.Search(len(blocks), func(k int) bool { _, there := x[blocks[k]]; return !there })
}

func (x everything) touch(blocks []uint64) {
	for _, b := range blocks {
		x[b] = struct{}{}
	}
}

// events is an engine that tells of every block that it keeps and drops.
type events struct {
	of *builder
	e  int
}

func (x events) match(blocks []uint64) int { return x.of.engines.Cached(x.e, blocks) }
func (x events) touch([]uint64)            {}
