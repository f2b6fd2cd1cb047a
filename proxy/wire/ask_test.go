package wire

import (
	"bytes"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAskBringsTheAnswer(t *testing.T) {
	onEach(t, func(t *testing.T, c *Conn, peer net.Conn) {
		go func() {
			question := make([]byte, 8)
			if _, err := io.ReadFull(peer, question); err == nil {
				_, _ = peer.Write(bytes.ToUpper(question))
			}
		}()
		require.NoError(t, c.Ask([]byte("question"), soon(), within))
		fillTo(t, c, 8)
		assert.Equal(t, "QUESTION", string(c.Bytes()))
	})
}

func TestAskFindsTheConnectionUnsound(t *testing.T) {
	for what, spoil := range map[string]func(net.Conn) error{
		"unasked bytes": func(peer net.Conn) error { _, err := io.WriteString(peer, "HTTP/1.1 200 OK\r\n\r\n"); return err },
		"half-closed":   func(peer net.Conn) error { return peer.(interface{ CloseWrite() error }).CloseWrite() },
	} {
		for _, kind := range []string{"tcp", "unix"} {
			t.Run(what+" "+kind, func(t *testing.T) {
				c, peer := pair(t, kind, 64)
				require.NoError(t, spoil(peer))
				awaitBytes(t, c)
				assert.Equal(t, ErrUnsound, c.Ask([]byte("question"), soon(), within))
				require.NoError(t, c.Close())
				got, err := io.ReadAll(peer)
				if err == nil { // else the unread bytes have reset the connection
					assert.Empty(t, got, "it was asked all the same")
				}
			})
		}
	}
}

// awaitBytes waits until the socket has something to read, or its end.
func awaitBytes(t *testing.T, c *Conn) {
	t.Helper()
	err := c.raw.Read(func(fd uintptr) bool {
		_, err := Peek(int(fd))
		return err != syscall.EAGAIN
	})
	require.NoError(t, err)
}

// A question larger than what the socket takes goes out whole all the same.
func TestAskAtLength(t *testing.T) {
	onEach(t, func(t *testing.T, c *Conn, peer net.Conn) {
		got := make([]byte, len(pattern))
		done := make(chan error, 1)
		go func() {
			_, err := io.ReadFull(peer, got)
			if err == nil {
				_, err = io.WriteString(peer, "thanks")
			}
			done <- err
		}()
		require.NoError(t, c.Ask(pattern, soon(), within))
		fillTo(t, c, 6)
		require.NoError(t, <-done)
		assert.True(t, bytes.Equal(pattern, got))
		assert.Equal(t, "thanks", string(c.Bytes()))
	})
}

// What ends the wait for the answer is for the next Fill to say.
func TestAskWithoutAnAnswer(t *testing.T) {
	for what, end := range map[string]struct {
		by   func(c *Conn, peer net.Conn)
		want error
	}{
		"closed": {func(_ *Conn, peer net.Conn) { _ = peer.(*net.TCPConn).CloseWrite() }, io.EOF},
		"poked":  {func(c *Conn, _ net.Conn) { c.Poke() }, ErrPoked},
	} {
		t.Run(what, func(t *testing.T) {
			c, peer := pair(t, "tcp", 64)
			go func() {
				if _, err := io.ReadFull(peer, make([]byte, 8)); err == nil {
					end.by(c, peer)
				}
			}()
			require.NoError(t, c.Ask([]byte("question"), soon(), within))
			assert.ErrorIs(t, c.Fill(soon()), end.want)
		})
	}
	t.Run("too late", func(t *testing.T) {
		c, peer := pair(t, "tcp", 64)
		until := Now() + 1e6
		require.NoError(t, c.Ask([]byte("question"), until, within))
		_, err := io.ReadFull(peer, make([]byte, 8))
		require.NoError(t, err)
		assert.Equal(t, ErrTimeout, c.Fill(until))
		assert.Nil(t, c.buf)
	})
	t.Run("poked before", func(t *testing.T) {
		onEach(t, func(t *testing.T, c *Conn, _ net.Conn) {
			c.Poke()
			assert.Equal(t, ErrPoked, c.Ask([]byte("question"), soon(), within))
		})
	})
}

func TestPeek(t *testing.T) {
	c, peer := pair(t, "tcp", 64)
	look := func() (n int, err error) {
		require.NoError(t, c.raw.Control(func(fd uintptr) { n, err = Peek(int(fd)) }))
		return n, err
	}
	_, err := look()
	assert.Equal(t, syscall.EAGAIN, err)
	say(t, peer, "xy")
	awaitBytes(t, c)
	for range 2 {
		n, err := look()
		require.NoError(t, err)
		assert.Equal(t, 1, n, "it takes nothing away")
	}
	fillTo(t, c, 2)
	require.NoError(t, peer.Close())
	awaitBytes(t, c)
	n, err := look()
	require.NoError(t, err)
	assert.Zero(t, n, "the end")
}
