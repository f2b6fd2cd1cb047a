package policy

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestIndexHeap holds the heap against a plain map through random histories.
func TestIndexHeap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{1, 2, 5, 6, 40} {
		heap, model := newIndexHeap(n), map[int32]float64{}
		for range 4000 {
			id, key := int32(rng.IntN(n)), float64(rng.IntN(20))
			switch _, in := model[id]; {
			case in && rng.IntN(2) == 0:
				heap.change(id, key)
				model[id] = key
			case in:
				heap.remove(id)
				delete(model, id)
			case len(model) > 0 && rng.IntN(3) == 0:
				top := heap.least()
				heap.raise(top.key + key)
				model[top.id] = top.key + key
			default:
				heap.push(id, key)
				model[id] = key
			}
			check(t, &heap, model)
		}
		heap.clear()
		check(t, &heap, nil)
	}
}

func check(t *testing.T, heap *indexHeap, model map[int32]float64) {
	t.Helper()
	require.Equal(t, len(model) == 0, heap.empty())
	for id := range heap.where {
		_, in := model[int32(id)]
		require.Equal(t, in, heap.has(int32(id)))
	}
	for id, key := range model {
		require.Equal(t, heapEntry{key: key, id: id}, heap.entries[heap.where[id]])
		require.False(t, heapEntry{key: key, id: id}.before(heap.least()))
	}
}
