package wire

import (
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The kernel tells a reset once: it must not be lost in Ask.
func TestAskKeepsTheReset(t *testing.T) {
	c, peer := pair(t, "tcp", 64)
	go func() {
		if _, err := io.ReadFull(peer, make([]byte, 8)); err == nil {
			_ = peer.(*net.TCPConn).SetLinger(0)
			_ = peer.Close()
		}
	}()
	require.NoError(t, c.Ask([]byte("question"), soon(), within))
	assert.ErrorIs(t, c.Fill(soon()), syscall.ECONNRESET)
}
