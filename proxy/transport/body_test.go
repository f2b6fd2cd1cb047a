package transport_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/transport"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// begun is a body whose head has been read.
type begun struct {
	transport.Body
	conn *transport.Conn
	end  net.Conn // the endpoint's
	pool *transport.Pool
}

// begin sends an answer's beginning and reads its head.
func begin(t *testing.T, answer string) *begun {
	t.Helper()
	p, conns := pool(t, transport.Options{MaxIdle: 1})
	b := &begun{conn: acquire(t, p), end: accept(t, conns), pool: p}
	go func() { _, _ = io.WriteString(b.end, answer) }()
	var a strict.Answer
	size, err := b.conn.ReadHead(&a, wire.Now()+within)
	require.NoError(t, err)
	b.Begin(b.conn, &a, size, false)
	return b
}

func (b *begun) next(t *testing.T, want string) {
	t.Helper()
	var got string
	for len(got) < len(want) {
		piece, err := b.Next(wire.Now() + within)
		require.NoError(t, err)
		got += string(piece)
	}
	assert.Equal(t, want, got)
}

func (b *begun) send(t *testing.T, text string) {
	t.Helper()
	_, err := io.WriteString(b.end, text)
	require.NoError(t, err)
}

// Pieces come as they are sent: none waits for the next.
func TestPiecesComeAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		head    string
		framing transport.Framing
		frame   func(string) string
		end     string
	}{
		"chunks": {"Transfer-Encoding: chunked\r\n", transport.ByChunks, func(s string) string { return "5\r\n" + s + "\r\n" }, "0\r\n\r\n"},
		"length": {"Content-Length: 10\r\n", transport.ByLength, func(s string) string { return s }, ""},
		"close":  {"", transport.ByClose, func(s string) string { return s }, "close"},
	} {
		t.Run(name, func(t *testing.T) {
			b := begin(t, "HTTP/1.1 200 OK\r\n"+c.head+"\r\n")
			assert.Equal(t, c.framing, b.Framing)
			assert.False(t, b.Pending(), "only the head has come")
			for _, word := range []string{"hello", "world"} {
				b.send(t, c.frame(word))
				b.next(t, word)
				assert.False(t, b.Ended() && c.end != "")
			}
			if c.end == "close" {
				require.NoError(t, b.end.Close())
			} else {
				b.send(t, c.end)
			}
			_, err := b.Next(wire.Now() + within)
			assert.Equal(t, io.EOF, err)
			assert.True(t, b.Ended() && b.Pending())
			_, err = b.Next(wire.Now() + within)
			assert.Equal(t, io.EOF, err, "an end stays one")
			assert.Empty(t, b.Trailer())
			b.conn.Release(true)
		})
	}
}

// Pending must see through what frames the data: a chunk's size alone is nothing
// to return, and whoever believed it was would wait with an unsent head.
func TestPending(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for answer, want := range map[string]bool{
		head: false, head + "5": false, head + "5\r\n": false, head + "5;x=y\r\n": false, head + "5\r\nh": true,
		head + "0\r\n": false, head + "0\r\n\r\n": true, head + "z": true,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n":  false,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nh": true,
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":  true,
		"HTTP/1.1 204 No Content\r\n\r\n":               true,
		"HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n":   true,
		"HTTP/1.1 200 OK\r\n\r\n":                       false,
		"HTTP/1.1 200 OK\r\n\r\nx":                      true,
	} {
		b := begin(t, answer)
		assert.Equal(t, want, b.Pending(), "%q", answer)
		b.conn.Release(false)
	}
	b := begin(t, head+"5\r\nhello")
	b.send(t, "\r\n5\r\n")
	b.next(t, "hello")
	_, err := b.Next(wire.Now() + 5e6)
	assert.Equal(t, fault.IdleTimeout, fault.As(err).Kind)
	assert.False(t, b.Pending(), "the frame of the next chunk is not its data")
	b.conn.Release(false)
}

func TestTrailers(t *testing.T) {
	b := begin(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\nHost: evil\r\n\r\n")
	b.next(t, "hi")
	_, err := b.Next(wire.Now() + within)
	require.Equal(t, io.EOF, err)
	assert.Equal(t, "X-Sum: 1\r\n", string(b.Trailer()), "a forbidden field is left out")
	b.Settle()
	b.conn.Release(true)
	assert.Same(t, b.conn, acquire(t, b.pool))
	b.conn.Release(false)
}

// What comes behind an answer makes its connection unfit for another request.
func TestBytesBehindTheEnd(t *testing.T) {
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi!", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n!",
		"HTTP/1.1 204 x\r\n\r\n!", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n!",
	} {
		b := begin(t, answer)
		for {
			piece, err := b.Next(wire.Now() + within)
			if err != nil {
				assert.Equal(t, io.EOF, err)
				break
			}
			assert.Equal(t, "hi", string(piece))
		}
		b.Settle()
		b.conn.Release(true)
		idle, _ := b.pool.Connections()
		assert.Zero(t, idle, "%q", answer)
	}
}

// Every wrong ending in the middle of a body is an error.
func TestCutBodies(t *testing.T) {
	heads := map[string]string{
		"length": "Content-Length: 10\r\n\r\nhello",
		"chunks": "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", // between two chunks, where servers die
		"close":  "\r\nhello",
	}
	for name, head := range heads {
		for how, cut := range map[string]func(b *begun) (error, fault.Kind){
			"closed":  func(b *begun) (error, fault.Kind) { return b.end.Close(), fault.Truncated },
			"reset":   func(b *begun) (error, fault.Kind) { return resetConn(b.end), fault.Truncated },
			"silence": func(*begun) (error, fault.Kind) { return nil, fault.IdleTimeout },
		} {
			if name == "close" && how == "closed" {
				continue // its proper end
			}
			t.Run(name+" "+how, func(t *testing.T) {
				b := begin(t, "HTTP/1.1 200 OK\r\n"+head)
				b.next(t, "hello")
				err, kind := cut(b)
				require.NoError(t, err)
				until := wire.Now() + within
				if kind == fault.IdleTimeout {
					until = wire.Now() + 1
				}
				_, err = b.Next(until)
				assert.Equal(t, kind, fault.As(err).Kind)
				assert.False(t, b.Ended())
				b.conn.Release(false)
			})
		}
		t.Run(name+" poked", func(t *testing.T) {
			b := begin(t, "HTTP/1.1 200 OK\r\n"+head)
			b.next(t, "hello")
			go b.conn.Poke()
			_, err := b.Next(0)
			assert.Equal(t, wire.ErrPoked, err)
			b.conn.Release(false)
		})
	}
}

func resetConn(c net.Conn) error {
	return errors.Join(c.(*net.TCPConn).SetLinger(0), c.Close())
}

// Data that came before a malformed chunk is delivered; then comes the error.
func TestMalformedChunkBehindData(t *testing.T) {
	for _, rest := range []string{"zz\r\n", "5\r\nhelloX", "0\r\nA b\r\n\r\n"} {
		b := begin(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"+rest)
		var got strings.Builder
		for {
			piece, err := b.Next(wire.Now() + within)
			got.Write(piece)
			if err != nil {
				assert.Equal(t, fault.Truncated, fault.As(err).Kind)
				break
			}
		}
		assert.True(t, strings.HasPrefix(got.String(), "hi"))
		assert.False(t, b.Ended())
		b.conn.Release(true) // not clean, though asked for
	}
}
