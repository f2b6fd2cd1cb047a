package wire

import (
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// watched counts how often its socket is read.
type watched struct {
	net.Conn
	reads int
}

func (w *watched) SyscallConn() (syscall.RawConn, error) {
	raw, err := w.Conn.(syscall.Conn).SyscallConn()
	return tally{raw, w}, err
}

type tally struct {
	syscall.RawConn
	of *watched
}

func (t tally) Read(f func(uintptr) bool) error {
	return t.RawConn.Read(func(fd uintptr) bool { t.of.reads++; return f(fd) })
}

// echoing answers each piece, so that its peer can send the next when nothing is left to read.
func echoing(t *testing.T, c *Conn, got *strings.Builder, pieces int) Then {
	return func() (time.Duration, bool) {
		got.Write(c.Bytes())
		c.Discard(c.Buffered())
		pieces--
		assert.NoError(t, c.WriteAll([]byte("."), within))
		return soon(), pieces > 0
	}
}

// Each piece is read once, with nothing in between.
func TestFillWhileReadsNothingInVain(t *testing.T) {
	if !reportsAll {
		t.Skip("the poller is not known to report all")
	}
	nc, peer := connected(t, "tcp")
	require.NoError(t, peer.SetDeadline(time.Now().Add(within)))
	w := &watched{Conn: nc}
	c := newConn(w, NewBuffers(64))
	const pieces = 5
	go func() {
		for range pieces {
			if _, err := io.WriteString(peer, "piece"); err != nil {
				return
			}
			if _, err := io.ReadFull(peer, make([]byte, 1)); err != nil {
				return
			}
		}
	}()
	var got strings.Builder
	require.NoError(t, c.FillWhile(soon(), echoing(t, c, &got, pieces)))
	assert.Equal(t, strings.Repeat("piece", pieces), got.String())
	assert.LessOrEqual(t, w.reads, pieces+1, "one may be in vain, before the first")
}

// A read that has filled the buffer may have left something behind, which nobody reports again.
func TestFillWhileReadsOnWhereMoreIs(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			c, peer := pair(t, kind, 8)
			sent := strings.Repeat("0123456789", 10)
			go func() { _, _ = io.WriteString(peer, sent) }()
			var got strings.Builder
			for got.Len() < len(sent) {
				require.NoError(t, c.FillWhile(soon(), func() (time.Duration, bool) {
					got.Write(c.Bytes())
					c.Discard(c.Buffered())
					return soon(), got.Len() < len(sent)
				}))
				got.Write(c.Bytes()) // where it is no more than Fill
				c.Discard(c.Buffered())
			}
			assert.Equal(t, sent, got.String())
		})
	}
}

// The wait for the next piece has a limit of its own, and can be ended like any other.
func TestFillWhileEnds(t *testing.T) {
	for name, end := range map[string]struct {
		wait time.Duration
		poke func(*Conn)
		err  error
	}{
		"in time":    {20 * time.Millisecond, func(*Conn) {}, ErrTimeout},
		"by a poke":  {within, (*Conn).Poke, ErrPoked},
		"by another": {within, (*Conn).PokeRead, ErrPoked},
	} {
		t.Run(name, func(t *testing.T) {
			if !reportsAll {
				t.Skip("the poller is not known to report all")
			}
			c, peer := pair(t, "tcp", 64)
			_, err := io.WriteString(peer, "first")
			require.NoError(t, err)
			err = c.FillWhile(soon(), func() (time.Duration, bool) {
				c.Discard(c.Buffered())
				go end.poke(c)
				return Within(end.wait), true
			})
			assert.Equal(t, end.err, err)
			assert.Zero(t, c.Buffered())
		})
	}
}

// An end that comes after the last piece was read is seen.
func TestFillWhileSeesTheEnd(t *testing.T) {
	c, peer := pair(t, "tcp", 64)
	_, err := io.WriteString(peer, "last")
	require.NoError(t, err)
	for err == nil {
		err = c.FillWhile(soon(), func() (time.Duration, bool) {
			c.Discard(c.Buffered())
			assert.NoError(t, peer.Close())
			return soon(), true
		})
		c.Discard(c.Buffered())
	}
	assert.Equal(t, io.EOF, err)
}
