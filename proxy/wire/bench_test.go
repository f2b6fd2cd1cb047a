package wire

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// echo sends everything back, with a buffer of its own.
func echo(peer net.Conn) {
	buf := make([]byte, 4096)
	for {
		n, err := peer.Read(buf)
		if err != nil {
			return
		}
		if _, err := peer.Write(buf[:n]); err != nil {
			return
		}
	}
}

// exchange is one message each way.
func exchange(c *Conn, message []byte) error {
	if err := c.WriteAll(message, within); err != nil {
		return err
	}
	for c.Buffered() < len(message) {
		if err := c.Fill(soon()); err != nil {
			return err
		}
	}
	c.Discard(len(message))
	return nil
}

func ask(c *Conn, message []byte) error {
	if err := c.Ask(message, soon(), within); err != nil {
		return err
	}
	for c.Buffered() < len(message) {
		if err := c.Fill(soon()); err != nil {
			return err
		}
	}
	c.Discard(len(message))
	return nil
}

func TestExchangesAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	message := []byte("a message")
	for _, kind := range []string{"tcp", "unix"} {
		c, peer := pair(t, kind, 4096)
		go echo(peer)
		require.NoError(t, exchange(c, message))
		assert.Zero(t, testing.AllocsPerRun(200, func() { _ = exchange(c, message) }), kind)
		require.NoError(t, ask(c, message))
		assert.Zero(t, testing.AllocsPerRun(200, func() { _ = ask(c, message) }), kind)
		assert.NoError(t, exchange(c, message))
	}
}

func BenchmarkExchange(b *testing.B) {
	message := make([]byte, 600)
	for name, way := range map[string]func(*Conn, []byte) error{"write and fill": exchange, "ask": ask} {
		b.Run(name, func(b *testing.B) {
			nc, peer := connected(b, "tcp")
			c := newConn(nc, NewBuffers(4096))
			go echo(peer)
			b.ReportAllocs()
			for b.Loop() {
				if err := way(c, message); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkBuffers(b *testing.B) {
	pool := NewBuffers(32 << 10)
	b.ReportAllocs()
	for b.Loop() {
		pool.Get().Release()
	}
}

func TestBuffers(t *testing.T) {
	pool := NewBuffers(100)
	assert.Equal(t, 100, pool.Size())
	for range 3 {
		buf := pool.Get()
		assert.Len(t, buf.B, 100)
		buf.Release()
	}
}
