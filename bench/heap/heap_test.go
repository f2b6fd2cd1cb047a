package heap

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHeapGivesTheLeastFirst(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		var h Heap
		var all []Entry
		for id := range int32(chance.IntN(60)) {
			key := float64(chance.IntN(10)) // many are equal
			h.Push(key, id)
			all = append(all, Entry{key, id})
			if chance.IntN(8) == 0 {
				gone := all[chance.IntN(len(all))]
				h.Remove(gone.ID)
				h.Remove(1000) // is not there
				all = slices.DeleteFunc(all, func(e Entry) bool { return e == gone })
			}
			if chance.IntN(3) == 0 && len(all) > 0 {
				least := slices.MinFunc(all, func(a, b Entry) int {
					if a.before(b) {
						return -1
					}
					return 1
				})
				require.Equal(t, least, h.Pop())
				all = slices.DeleteFunc(all, func(e Entry) bool { return e == least })
			}
		}
		slices.SortFunc(all, func(a, b Entry) int {
			if a.before(b) {
				return -1
			}
			return 1
		})
		for _, want := range all {
			require.Equal(t, want, h.Pop())
		}
		require.Empty(t, h)
	}
}
