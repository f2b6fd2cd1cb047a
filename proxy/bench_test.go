package proxy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// chatAnswer is what the warm paths carry.
var chatAnswer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Mon, 23 Nov 2026 10:00:00 GMT\r\nServer: x\r\nContent-Length: 300\r\n\r\n" + strings.Repeat("x", 300)

// warm is one request after another over connections that exist already.
func warm(tb testing.TB) func() {
	s := defaults()
	s.quiet = true
	g := serve(tb, s, echoing(tb, chatAnswer))
	c := dial(tb, g)
	require.NoError(tb, c.SetDeadline(time.Time{}))
	request := []byte(post(strings.Repeat("y", 600)))
	answer := make([]byte, 4096)
	return func() {
		if _, err := c.Write(request); err != nil {
			tb.Fatal(err)
		}
		n, err := c.Read(answer)
		if err != nil || n < 300 {
			tb.Fatal(n, err)
		}
	}
}

// BenchmarkExchange is one request over warm connections: two sockets, four
// copies, all of the handler. Its allocations must stay at zero.
func BenchmarkExchange(b *testing.B) {
	exchange := warm(b)
	b.ReportAllocs()
	for b.Loop() {
		exchange()
	}
}
