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
