package wire

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTimedOutConnHoldsNoBuffer(t *testing.T) {
	onEach(t, func(t *testing.T, c *Conn, _ net.Conn) {
		assert.Equal(t, ErrTimeout, c.Fill(Now()+1))
		assert.Nil(t, c.buf)
	})
}
