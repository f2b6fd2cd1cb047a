package wire

import (
	"bytes"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pattern is more than most sockets take at once.
var pattern = bytes.Repeat([]byte("0123456789abcdef"), 1<<18)

func TestWriteAllWritesWhole(t *testing.T) {
	onEach(t, func(t *testing.T, c *Conn, peer net.Conn) {
		for _, stall := range []time.Duration{0, within} {
			done := make(chan error, 1)
			go func() { done <- c.WriteAll(pattern, stall) }()
			got := make([]byte, len(pattern))
			_, err := io.ReadFull(peer, got)
			require.NoError(t, err)
			assert.True(t, bytes.Equal(pattern, got))
			require.NoError(t, <-done)
		}
	})
}

func TestWriteAllToAPeerThatTakesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, c *Conn, _ net.Conn) {
		for range 3 { // what the sockets hold between them is progress
			if err := c.WriteAll(pattern, 20*time.Millisecond); err != nil {
				assert.Equal(t, ErrTimeout, err)
				return
			}
		}
		t.Fatal("12 MiB vanished in a socket")
	})
}

// The timer may fire early, because an earlier write armed it: that is no time-out.
func TestWriteAllOutlivesAnEarlyTimer(t *testing.T) {
	for _, kind := range []string{"tcp", "unix"} {
		t.Run(kind, func(t *testing.T) {
			c, peer := pair(t, kind, 64)
			done := make(chan error, 1)
			go func() { done <- c.WriteAll(pattern, within) }()
			got := make([]byte, len(pattern))
			for n := 0; n < len(got); {
				require.NoError(t, c.Conn.SetWriteDeadline(past))
				k, err := peer.Read(got[n:min(n+1<<18, len(got))])
				require.NoError(t, err)
				n += k
			}
			require.NoError(t, <-done)
			assert.True(t, bytes.Equal(pattern, got))
		})
	}
}

// stall is between two pieces, not for the whole.
func TestSlowPeerIsNoStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, peer := net.Pipe()
		c := newConn(ours, NewBuffers(64))
		done := make(chan error, 1)
		go func() { done <- c.WriteAll(make([]byte, 20), time.Second) }()
		for range 20 {
			time.Sleep(900 * time.Millisecond)
			_, err := io.ReadFull(peer, make([]byte, 1))
			require.NoError(t, err)
		}
		require.NoError(t, <-done)

		begin := Now()
		go func() { done <- c.WriteAll(make([]byte, 20), time.Second) }()
		time.Sleep(900 * time.Millisecond)
		_, err := io.ReadFull(peer, make([]byte, 1))
		require.NoError(t, err)
		assert.Equal(t, ErrTimeout, <-done)
		assert.LessOrEqual(t, Now()-begin, 2*time.Second)
		assert.Greater(t, Now()-begin, 1900*time.Millisecond, "a second since the last byte")
	})
}

func TestWriteToAPeerThatHasGone(t *testing.T) {
	for _, kind := range []string{"tcp", "tls"} {
		t.Run(kind, func(t *testing.T) {
			c, peer := pair(t, kind, 64)
			reset(t, peer)
			assert.Error(t, c.WriteAll(pattern, within))
			assert.NotEqual(t, ErrTimeout, c.WriteAll(pattern, within))
		})
	}
}
