package proxy_test

import (
	"bufio"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// whim is an endpoint that ends exchanges in every way there is.
func whim(t testing.TB, seed uint64) string {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 1))
	pick := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return random.IntN(n)
	}
	return endpoint(t, func(c net.Conn, br *bufio.Reader) {
		for {
			r, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			kind := pick(12)
			if kind != 0 { // else: answered before the body is read
				if _, err := io.Copy(io.Discard, r.Body); err != nil {
					return
				}
			}
			answer := [...]string{
				"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
				plain("hello"), plain("hello"), plain(strings.Repeat("x", 100<<10)),
				streamHead + chunk("data: 1\n\n") + "0\r\n\r\n", // whole
				streamHead + chunk("data: 1\n\n"),               // cut
				"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
				"garbage\r\n\r\n",
				"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
				"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
				"", // silence, then a close
				"HTTP/1.0 200 OK\r\n\r\nuntil close",
			}[kind]
			if _, err := io.WriteString(c, answer); err != nil {
				return
			}
			switch kind {
			case 0, 5, 6, 7, 9, 11:
				return
			case 10:
				_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
				_, _ = br.ReadByte()
				return
			}
		}
	})
}

// After any mix of endings every gauge is back at zero: serve's clean-up fails
// the test where one is not.
func TestNothingDrifts(t *testing.T) {
	const clients, each = 20, 100
	s := defaults()
	s.generation.ReplayBytes = 8 << 10
	s.connections.MaxIdle = 4
	g := serve(t, s, whim(t, 1), whim(t, 2), refusing(t))
	var wg sync.WaitGroup
	for i := range clients {
		random := rand.New(rand.NewPCG(7, uint64(i)))
		wg.Go(func() {
			for range each {
				erratic(g.address, random)
			}
		})
	}
	wg.Wait()
}

// erratic sends one request, of any kind, and leaves at any moment.
func erratic(address string, random *rand.Rand) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer func() { _ = c.Close() }()
	request := [...]string{
		get, get + get, post("{}"), post(strings.Repeat("x", 4<<10)), post(strings.Repeat("x", 50<<10)),
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(strings.Repeat("y", 30<<10)) + "0\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n", "GET /../ HTTP/1.1\r\nHost: x\r\n\r\n",
	}[random.IntN(9)]
	if random.IntN(4) == 0 {
		request = request[:random.IntN(len(request))]
	}
	if _, err := io.WriteString(c, request); err != nil {
		return
	}
	switch random.IntN(4) {
	case 0: // gone at once
	case 1:
		_ = c.(*net.TCPConn).SetLinger(0)
	default:
		_ = c.SetReadDeadline(time.Now().Add(time.Duration(random.IntN(60)) * time.Millisecond))
		_, _ = io.Copy(io.Discard, c)
	}
}
