package wire

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPokeWrite(t *testing.T) {
	onEach(t, func(t *testing.T, c *Conn, peer net.Conn) {
		for _, stall := range []int{0, 1} {
			c.PokeWrite()
			assert.Equal(t, ErrPoked, c.WriteAll([]byte("x"), within*time.Duration(stall)))
			say(t, peer, "r")
			fillTo(t, c, 1) // reads go on
			c.Discard(1)
			c.ResumeWrite()
			require.NoError(t, c.WriteAll([]byte("w"), within*time.Duration(stall)))
			_, err := io.ReadFull(peer, make([]byte, 1))
			require.NoError(t, err)
		}
		assert.False(t, c.Poked())
	})
}

// writeOn writes until that fails: sockets may take a pattern whole.
func writeOn(c *Conn, stall time.Duration) error {
	for {
		if err := c.WriteAll(pattern, stall); err != nil {
			return err
		}
	}
}

// A peer that takes nothing holds a write up only until it is poked.
func TestPokeWriteEndsAWriteUnderWay(t *testing.T) {
	for _, stall := range []time.Duration{0, within} {
		onEach(t, func(t *testing.T, c *Conn, _ net.Conn) {
			done := make(chan error, 1)
			go func() { done <- writeOn(c, stall) }()
			c.PokeWrite()
			assert.Equal(t, ErrPoked, <-done)
		})
	}
}
