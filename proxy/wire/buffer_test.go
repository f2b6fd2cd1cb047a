package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What outgrows its buffer is sent all the same, and its memory does not stay in the pool.
func TestBufferThatIsOutgrown(t *testing.T) {
	pool := NewBuffers(4)
	b := pool.Get()
	b.Hold(append(b.B[:0], "abc"...))
	require.Equal(t, "abc", string(b.B[:3]))
	require.Len(t, b.B, 4)
	b.Hold(append(b.B[:0], "abcdef"...))
	require.Equal(t, "abcdef", string(b.B[:6]))
	b.Release()
	for range 10 {
		require.Len(t, pool.Get().B, 4)
	}
}

// A buffer grows to its pool's most, keeps what is in it, and is not pooled then.
func TestBufferThatGrows(t *testing.T) {
	pool := NewGrowing(4, 10)
	b := pool.Get()
	copy(b.B, "abcd")
	for _, size := range []int{8, 10} {
		require.True(t, b.grow())
		require.Len(t, b.B, size)
		require.Equal(t, "abcd", string(b.B[:4]))
	}
	require.False(t, b.grow())
	b.Release()
	for range 10 {
		require.Len(t, pool.Get().B, 4)
	}
	require.False(t, NewBuffers(4).Get().grow())
}

// What was sent in one piece is read whole though the buffer began smaller, and no more than it may hold.
func TestFillGrowsTheBuffer(t *testing.T) {
	ours, peer := connected(t, "tcp")
	c := newConn(ours, NewGrowing(4, 10))
	_, err := peer.Write([]byte("0123456789ab"))
	require.NoError(t, err)
	for c.Buffered() < 10 {
		require.NoError(t, c.Fill(soon()))
	}
	require.Equal(t, "0123456789", string(c.Bytes()))
	require.ErrorIs(t, c.Fill(soon()), ErrFull)
	c.Discard(8)
	for c.Buffered() < 4 {
		require.NoError(t, c.Fill(soon()))
	}
	require.Equal(t, "89ab", string(c.Bytes()))
	c.Drop()
}
