package proxy_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkChunk is one chunk of a stream, from the endpoint to the client: a
// read, a write, and a turn of the poller on either side.
func BenchmarkChunk(b *testing.B) {
	for what, usage := range map[string]bool{"plain": false, "usage": true} {
		b.Run(what, func(b *testing.B) { benchmarkChunk(b, usage) })
	}
}

func benchmarkChunk(b *testing.B, usage bool) {
	s := defaults()
	s.generation.Usage = usage
	more := make(chan struct{})
	event := "data: " + strings.Repeat("x", 112) + "\n\n"
	g := serve(b, s, endpoint(b, func(c net.Conn, br *bufio.Reader) {
		if _, err := br.ReadString('\n'); err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
		chunk := []byte("78\r\n" + event + "\r\n")
		for range more {
			if _, err := c.Write(chunk); err != nil {
				return
			}
		}
	}))
	c := dial(b, g)
	require.NoError(b, c.SetDeadline(time.Time{}))
	_, err := io.WriteString(c, get)
	require.NoError(b, err)
	answer := make([]byte, 4096)
	_, err = c.Read(answer) // the head
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		more <- struct{}{}
		if n, err := c.Read(answer); err != nil || n < len(event) {
			b.Fatal(n, err)
		}
	}
	close(more)
}
