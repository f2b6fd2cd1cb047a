package wire

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// takeAll takes blocks until there are no more.
func takeAll(m *Memory, held int, limit int64) (blocks []*Block) {
	for b := m.Take(held, limit); b != nil; b = m.Take(held, limit) {
		b[0], b[BlockBytes-1] = 1, 1
		blocks = append(blocks, b)
	}
	return blocks
}

// Whatever sizes bodies had, no more memory is ever mapped than the budget allows.
func TestMemoryIsBounded(t *testing.T) {
	const limit = 64 * BlockBytes
	m := &Memory{}
	seen := map[*Block]bool{}
	for range 10 {
		small, large := takeAll(m, 0, limit/2), takeAll(m, smallBody, limit)
		for _, b := range append(small, large...) {
			seen[b] = true
		}
		require.EqualValues(t, limit-limit/smallShare, m.InUse(), "the last part is for small bodies")
		more := takeAll(m, smallBody-1, limit)
		require.EqualValues(t, limit, m.InUse())
		for _, b := range more {
			seen[b] = true
		}
		m.Give(large)
		m.Give(small)
		m.Give(more)
		require.Zero(t, m.InUse())
	}
	require.Len(t, seen, 64, "all are used again")
}

// What is kept on the heap counts within the same budget, both ways.
func TestReservedMemoryCounts(t *testing.T) {
	const limit = 4 * BlockBytes
	m := &Memory{}
	require.True(t, m.Reserve(2*BlockBytes+1, limit))
	require.Len(t, takeAll(m, 0, limit), 1)
	require.False(t, m.Reserve(BlockBytes, limit))
	require.True(t, m.Reserve(BlockBytes-1, limit))
	require.EqualValues(t, 3*BlockBytes, m.Reserved())
	m.Return(3 * BlockBytes)
	require.Zero(t, m.Reserved())
	require.Len(t, takeAll(m, 0, limit), 3)
}

// What nobody needs for a while goes back to the system, and what is needed stays.
func TestIdleMemoryIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &Memory{}
		blocks := takeAll(m, 0, 10*BlockBytes)
		m.Give(blocks)
		pass := func() {
			time.Sleep(keepBlocks)
			synctest.Wait()
		}
		count := func() (warm, cold int, over bool) {
			m.mu.Lock()
			defer m.mu.Unlock()
			return len(m.warm), len(m.cold), m.trim == nil
		}
		pass()
		warm, _, _ := count()
		require.Equal(t, 10, warm, "they have been needed since")
		b := m.Take(0, 10*BlockBytes)
		m.Give([]*Block{b})
		pass()
		_, cold, _ := count()
		require.Equal(t, 9, cold, "one was needed")
		pass()
		warm, cold, over := count()
		require.Equal(t, 10, cold)
		require.Zero(t, warm)
		require.True(t, over, "nothing is left to do")
		if runtime.GOOS == "linux" {
			require.Zero(t, b[0])
			require.Zero(t, b[BlockBytes-1])
		}
		require.Len(t, takeAll(m, 0, 10*BlockBytes), 10)
	})
}
