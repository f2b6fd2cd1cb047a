// What an engine remembers, asked from outside.

package engine

import "sort"

// Chain turns the numbers of the full blocks of a prompt into keys, each of which stands for the block and all before it.
func Chain(prefix []uint64, promptTokens int) []uint64 { return chain(prefix, promptTokens) }

// Known is how many blocks at the beginning of a chain are in memory.
func (e *batch) Known(chain []uint64) int {
	return sort.Search(len(chain), func(i int) bool { return e.memory.blocks[chain[i]] == nil })
}

// Known: an engine of slots remembers nothing.
func (e *slotted) Known([]uint64) int { return 0 }
