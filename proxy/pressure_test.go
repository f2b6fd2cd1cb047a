package proxy_test

import (
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// between is the most that may lie in the sockets' buffers and in the gateway
// between two sides of which one does not read. The kernel takes most of it: on each of the
// two connections the largest of tcp_wmem and tcp_rmem, which are 4 and 6 to 32 MiB.
const between = 80 << 20

// pour writes random bytes to c until a write has made no progress for a while,
// or all of size is written. It says how many went and what their sum is.
func pour(t *testing.T, c net.Conn, size int) (n int, sum [32]byte, rest func() error) {
	t.Helper()
	source := rand.NewChaCha8([32]byte{1})
	hash := sha256.New()
	piece := make([]byte, 64<<10)
	var left []byte
	for n < size {
		_, _ = source.Read(piece)
		hash.Write(piece)
		require.NoError(t, c.SetWriteDeadline(time.Now().Add(10*soon)))
		k, err := c.Write(piece)
		if n += k; err != nil {
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			left = append(left, piece[k:]...)
			break
		}
	}
	require.NoError(t, c.SetWriteDeadline(time.Now().Add(within)))
	hash.Sum(sum[:0])
	return n, sum, func() error { _, err := c.Write(left); return err }
}

// A slow client stops the endpoint; nothing piles up in between, and nothing is
// lost when it reads on.
func TestSlowClientStopsTheEndpoint(t *testing.T) {
	overBoth(t, func(t *testing.T, s settings) {
		t.Parallel()
		p := newPuppet(t)
		g := serve(t, s, p.address)
		c, up := askedSlowly(t, g, p, 64<<10)
		up.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
		n, sum, rest := pour(t, up, 4*between)
		require.Less(t, n, between, "the endpoint was not stopped")
		require.EqualValues(t, 1, g.inFlight())
		go func() { _ = rest(); up.close() }()
		c.head()
		got := sha256.New()
		_, err := io.Copy(got, unchunk(c))
		require.NoError(t, err)
		require.Equal(t, sum[:], got.Sum(nil))
	})
}

// An endpoint that does not read stops the client, and the body is not held.
func TestSlowEndpointStopsTheUpload(t *testing.T) {
	t.Parallel()
	p := newPuppet(t)
	s := streaming()
	s.generation.BodyBytes = 1 << 40
	g := serve(t, s, p.address)
	c := dial(t, g)
	c.send("POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 1000000000000\r\n\r\n")
	up := asked(t, p)
	require.NoError(t, up.tcp().SetReadBuffer(64<<10))
	n, _, _ := pour(t, c, 4*between)
	require.Less(t, n, between, "the client was not stopped")
	require.Zero(t, g.handler.HeldBytes())
	c.reset()
}

// A held body is held once, however large, and let go when the answer begins.
func TestHeldBodyIsLetGo(t *testing.T) {
	s := defaults()
	p := newPuppet(t)
	g := serve(t, s, p.address)
	c := dial(t, g)
	body := string(make([]byte, 1<<20))
	c.send(post(body))
	up := p.accept(t)
	up.requestWhole()
	require.EqualValues(t, 1<<20, g.handler.HeldBytes(), "it may have to be sent again")
	up.send(streamHead + chunk("1"))
	c.head()
	c.expect(chunk("1"))
	eventually(t, "the body to be let go", func() bool { return g.handler.HeldBytes() == 0 })
	up.send("0\r\n\r\n")
	c.expect("0\r\n\r\n")
}

// The budget is shared: what does not fit into it is streamed.
func TestBodyMemoryIsShared(t *testing.T) {
	s := defaults()
	s.generation.BodyMemory = 96 << 10
	p := newPuppet(t)
	g := serve(t, s, p.address)
	body := string(make([]byte, 60<<10)) // takes 64 KiB
	var ups []*peer
	var clients []*peer
	for range 3 {
		c := dial(t, g)
		c.send(post(body))
		up := p.accept(t)
		_, got := up.requestWhole()
		require.Equal(t, body, got)
		ups, clients = append(ups, up), append(clients, c)
		require.LessOrEqual(t, g.handler.HeldBytes(), int64(96<<10), "the first is held, the others are streamed")
	}
	for i, up := range ups {
		up.send(plain("ok"))
		_, answer := clients[i].answer()
		require.Equal(t, "ok", answer)
	}
	eventually(t, "the budget to be free", func() bool { return g.handler.HeldBytes() == 0 })
}
