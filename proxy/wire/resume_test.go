package wire

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A wait after ResumeRead ends at its own moment, though the read that was poked
// had armed the timer for a later one, or for none.
func TestLimitsCountAgainAfterResumeRead(t *testing.T) {
	onEach(t, func(t *testing.T, c *Conn, _ net.Conn) {
		c.PokeRead()
		assert.Equal(t, ErrPoked, c.Fill(soon()))
		c.ResumeRead()
		begin := Now()
		assert.Equal(t, ErrTimeout, c.Fill(begin+1))
		assert.Less(t, Now()-begin, within/2)
	})
}
