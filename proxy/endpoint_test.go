package proxy_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// endpoint is a server whose every connection serve handles; the connection is
// closed behind it.
func endpoint(t testing.TB, serve func(c net.Conn, br *bufio.Reader)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	attend(t, ln, serve)
	return ln.Addr().String()
}

// attend serves ln until t ends, which waits for all connections to end.
func attend(t testing.TB, ln net.Listener, serve func(c net.Conn, br *bufio.Reader)) (kill func()) {
	var all sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]struct{}{}
	kill = func() {
		_ = ln.Close()
		mu.Lock()
		defer mu.Unlock()
		for c := range open {
			_ = c.Close()
		}
	}
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = struct{}{}
			mu.Unlock()
			all.Go(func() {
				defer func() {
					_ = c.Close()
					mu.Lock()
					defer mu.Unlock()
					delete(open, c)
				}()
				serve(c, bufio.NewReader(c))
			})
		}
	})
	t.Cleanup(func() { kill(); all.Wait() })
	return kill
}

// answering is an endpoint that answers every request with the same bytes.
func answering(t testing.TB, answer string) string {
	return endpoint(t, func(c net.Conn, br *bufio.Reader) { answerAll(c, br, answer) })
}

func answerAll(c net.Conn, br *bufio.Reader, answer string) {
	for {
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		if _, err := io.WriteString(c, answer); err != nil {
			return
		}
	}
}

// answeringTLS is answering over TLS, with the certificate that pair's client trusts.
func answeringTLS(t testing.TB, answer string) string {
	t.Helper()
	server, _ := pair()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", server)
	require.NoError(t, err)
	attend(t, ln, func(c net.Conn, br *bufio.Reader) { answerAll(c, br, answer) })
	return ln.Addr().String()
}

// echoing is answering without parsing: each read is taken for one request.
func echoing(t testing.TB, answer string) string {
	return endpoint(t, func(c net.Conn, _ *bufio.Reader) {
		request, out := make([]byte, 64<<10), []byte(answer)
		for {
			if _, err := c.Read(request); err != nil {
				return
			}
			if _, err := c.Write(out); err != nil {
				return
			}
		}
	})
}

// swallowing is echoing, for requests whose bodies are of that length and come in several pieces.
func swallowing(t testing.TB, answer string, body int) string {
	return endpoint(t, func(c net.Conn, _ *bufio.Reader) {
		request, out, n := make([]byte, 4<<20), []byte(answer), 0
		for {
			read, err := c.Read(request[n:])
			if err != nil {
				return
			}
			n += read
			if head := bytes.Index(request[:n], []byte("\r\n\r\n")); head < 0 || n < head+4+body {
				continue
			}
			n = 0
			if _, err := c.Write(out); err != nil {
				return
			}
		}
	})
}

// puppet is an endpoint that the test plays itself, one connection at a time.
type puppet struct {
	address string
	conns   chan net.Conn
	die     func() // it takes no more connections
}

func newPuppet(t testing.TB) *puppet {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &puppet{address: ln.Addr().String(), conns: make(chan net.Conn, 16)}
	done := make(chan struct{})
	p.die = func() { _ = ln.Close(); <-done }
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			p.conns <- c
		}
	}()
	t.Cleanup(p.die)
	return p
}

// accept is the next connection that the gateway makes.
func (p *puppet) accept(t testing.TB) *peer {
	t.Helper()
	select {
	case c := <-p.conns:
		return newPeer(t, c)
	case <-time.After(within):
		t.Fatal("waited in vain for a connection to the endpoint")
		return nil
	}
}

// idle says whether no connection waits to be accepted.
func (p *puppet) idle() bool { return len(p.conns) == 0 }

// refusing is an address at which connecting fails for as long as the test runs: a
// socket that is bound, so that nobody else is given the port, and does not listen. The test may listen there by net.Listen.
func refusing(t testing.TB) string {
	t.Helper()
	_, address := bind(t)
	return address
}

// bind returns a socket bound to a port of its own, and its address.
func bind(t testing.TB) (fd int, address string) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Close(fd) })
	syscall.CloseOnExec(fd)
	require.NoError(t, syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1))
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	name, err := syscall.Getsockname(fd)
	require.NoError(t, err)
	return fd, fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
}

// deaf is an address at which connecting takes for ever: a listener that accepts
// nothing and whose queue is full.
func deaf(t testing.TB) string {
	t.Helper()
	fd, address := bind(t)
	require.NoError(t, syscall.Listen(fd, 0))
	for i := range 16 {
		patience := within // for the first, which there is room for
		if i > 0 {
			patience = 2 * soon
		}
		c, err := net.DialTimeout("tcp", address, patience)
		if err != nil {
			return address
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	t.Skip("this system's accept queue does not fill up")
	return ""
}

// pair is a certificate for example.com and who trusts it.
var pair = sync.OnceValues(func() (server, client *tls.Config) {
	s := newTLSServer()
	defer s.Close()
	client = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	client.ServerName = "example.com"
	return &tls.Config{Certificates: s.TLS.Certificates}, client
})
