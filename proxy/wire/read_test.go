package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFillAndDiscard(t *testing.T) {
	onEach(t, func(t *testing.T, c *Conn, peer net.Conn) {
		assert.Empty(t, c.Bytes())
		assert.Zero(t, c.Buffered())
		say(t, peer, "hello ")
		fillTo(t, c, 6)
		c.Discard(2)
		assert.Equal(t, "llo ", string(c.Bytes()))
		say(t, peer, "world")
		fillTo(t, c, 9)
		assert.Equal(t, "llo world", string(c.Bytes()), "new bytes come behind the old")
		c.Discard(9)
		assert.Nil(t, c.buf, "the last byte read gives the buffer back")
		assert.Nil(t, c.Bytes())
		c.Drop()
		assert.Zero(t, c.Buffered(), "nothing to forget")

		say(t, peer, "more")
		fillTo(t, c, 4)
		c.Drop()
		assert.Nil(t, c.buf)
		assert.Zero(t, c.Buffered())
	})
}

// A thousand silent streams must not hold a thousand buffers.
func TestSilentConnHoldsNoBuffer(t *testing.T) {
	for _, kind := range []string{"tcp", "unix"} { // TLS decrypts into one
		t.Run(kind, func(t *testing.T) {
			c, peer := pair(t, kind, 4096)
			ready := true
			require.NoError(t, c.raw.Control(func(fd uintptr) { ready = c.readNow(fd) }))
			assert.False(t, ready, "nothing has come")
			assert.Nil(t, c.buf, "it waits in the poller with a buffer")

			say(t, peer, "x")
			fillTo(t, c, 1)
			require.NoError(t, c.raw.Control(func(fd uintptr) { ready = c.readNow(fd) }))
			assert.False(t, ready)
			assert.Equal(t, "x", string(c.Bytes()), "unread bytes stay while more are waited for")
		})
	}
}

func TestReadTimeOut(t *testing.T) {
	onEach(t, func(t *testing.T, c *Conn, peer net.Conn) {
		for range 2 {
			assert.Equal(t, ErrTimeout, c.Fill(Now()+1))
			_, err := c.ReadInto(make([]byte, 10), Now()+1)
			assert.Equal(t, ErrTimeout, err)
		}
		assert.Equal(t, ErrTimeout, c.Fill(1), "a moment long past")
		say(t, peer, "late")
		fillTo(t, c, 4)
		assert.Equal(t, "late", string(c.Bytes()), "a time-out loses nothing")
		assert.Equal(t, ErrTimeout, c.Fill(Now()+1))
		assert.Equal(t, "late", string(c.Bytes()))

		go func() { _, _ = io.WriteString(peer, "!") }()
		require.NoError(t, c.Fill(0), "0 waits for ever, whatever was armed before")
		assert.Equal(t, "late!", string(c.Bytes()))
	})
}

func TestFullBuffer(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			c, peer := pair(t, kind, 8)
			say(t, peer, "0123456789")
			fillTo(t, c, 8)
			assert.Equal(t, ErrFull, c.Fill(soon()))
			assert.Equal(t, "01234567", string(c.Bytes()))
			c.Discard(3)
			require.NoError(t, c.Fill(soon()))
			fillTo(t, c, 7)
			assert.Equal(t, "3456789", string(c.Bytes()), "unread bytes move to the front")
		})
	}
}

func TestEndOfStream(t *testing.T) {
	onEach(t, func(t *testing.T, c *Conn, peer net.Conn) {
		say(t, peer, "bye")
		require.NoError(t, peer.(interface{ CloseWrite() error }).CloseWrite())
		fillTo(t, c, 3)
		assert.Equal(t, io.EOF, c.Fill(soon()))
		assert.Equal(t, "bye", string(c.Bytes()))
		c.Discard(3)
		assert.Equal(t, io.EOF, c.Fill(soon()), "an end stays one")
		assert.Nil(t, c.buf, "an end needs no buffer")
		_, err := c.ReadInto(make([]byte, 1), soon())
		assert.Equal(t, io.EOF, err)
	})
}

func TestReset(t *testing.T) {
	for _, kind := range []string{"tcp", "tls"} {
		t.Run(kind, func(t *testing.T) {
			c, peer := pair(t, kind, 8)
			reset(t, peer)
			assert.ErrorIs(t, c.Fill(soon()), syscall.ECONNRESET)
			assert.Nil(t, c.buf)
		})
	}
}

func TestReadInto(t *testing.T) {
	onEach(t, func(t *testing.T, c *Conn, peer net.Conn) {
		text := strings.Repeat("0123456789", 10_000)
		go func() { _, _ = io.WriteString(peer, text) }()
		var got bytes.Buffer
		p := make([]byte, 777)
		for got.Len() < len(text) {
			n, err := c.ReadInto(p, soon())
			require.NoError(t, err)
			got.Write(p[:n])
			assert.Nil(t, c.buf, "it goes past the buffer")
		}
		assert.Equal(t, text, got.String())
	})
}

func TestClosedConn(t *testing.T) {
	onEach(t, func(t *testing.T, c *Conn, _ net.Conn) {
		require.NoError(t, c.Close())
		assert.ErrorIs(t, c.Fill(soon()), net.ErrClosed)
		assert.Error(t, c.WriteAll([]byte("x"), within))
		assert.False(t, errors.Is(c.Fill(0), ErrTimeout))
	})
}
