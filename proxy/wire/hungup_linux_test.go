package wire

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A close shows behind unread bytes, too.
func TestHungUp(t *testing.T) {
	for _, kind := range []string{"tcp", "unix"} {
		t.Run(kind, func(t *testing.T) {
			c, peer := pair(t, kind, 64)
			hungUp := func() (gone bool) {
				require.NoError(t, c.raw.Control(func(fd uintptr) { gone = HungUp(int(fd)) }))
				return gone
			}
			assert.False(t, hungUp())
			say(t, peer, "unread")
			awaitBytes(t, c)
			assert.False(t, hungUp())
			require.NoError(t, peer.(interface{ CloseWrite() error }).CloseWrite())
			require.Eventually(t, hungUp, within, 1e6)
		})
	}
}
