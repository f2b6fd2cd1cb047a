package proxy_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// peer is the test's side of one connection, to the gateway or from it. What
// goes wrong on it fails the test.
type peer struct {
	net.Conn
	br *bufio.Reader
	t  testing.TB
}

func newPeer(t testing.TB, c net.Conn) *peer {
	t.Helper()
	require.NoError(t, c.SetDeadline(time.Now().Add(3*within)))
	t.Cleanup(func() { _ = c.Close() })
	return &peer{Conn: c, br: bufio.NewReader(c), t: t}
}

// dial connects to the gateway, over TLS if that is what it serves.
func dial(t testing.TB, g *gateway) *peer {
	t.Helper()
	c, err := net.Dial("tcp", g.address)
	require.NoError(t, err)
	if g.tls != nil {
		_, config := pair()
		c = tls.Client(c, config)
	}
	return newPeer(t, c)
}

// refuses says whether the gateway takes no new connections.
func (g *gateway) refuses(t testing.TB) bool {
	c, err := net.Dial("tcp", g.address)
	if err != nil {
		return true
	}
	require.NoError(t, c.Close())
	return false
}

func newTLSServer() *httptest.Server {
	return httptest.NewTLSServer(http.NotFoundHandler())
}

func (p *peer) send(s string) {
	p.t.Helper()
	_, err := io.WriteString(p, s)
	require.NoError(p.t, err)
}

// expect reads exactly these bytes.
func (p *peer) expect(s string) {
	p.t.Helper()
	b := make([]byte, len(s))
	n, err := io.ReadFull(p.br, b)
	require.NoError(p.t, err, "read so far: %q, wanted: %q", b[:n], s)
	require.Equal(p.t, s, string(b))
}

// request reads the head of a request; the body is read from it.
func (p *peer) request() *http.Request {
	p.t.Helper()
	r, err := http.ReadRequest(p.br)
	require.NoError(p.t, err)
	return r
}

// requestWhole reads a request with its body.
func (p *peer) requestWhole() (*http.Request, string) {
	p.t.Helper()
	r := p.request()
	body, err := io.ReadAll(r.Body)
	require.NoError(p.t, err)
	return r, string(body)
}

// head reads the head of an answer as it stands on the wire.
func (p *peer) head() string {
	p.t.Helper()
	var head strings.Builder
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		line, err := p.br.ReadString('\n')
		require.NoError(p.t, err, "head so far: %q", head.String()+line)
		head.WriteString(line)
	}
	return head.String()
}

// answer reads one answer to a GET or POST.
func (p *peer) answer() (*http.Response, string) {
	p.t.Helper()
	r, err := http.ReadResponse(p.br, nil)
	require.NoError(p.t, err)
	body, err := io.ReadAll(r.Body)
	require.NoError(p.t, err)
	return r, string(body)
}

// ask sends a request and reads its answer.
func (p *peer) ask(request string) (*http.Response, string) {
	p.t.Helper()
	p.send(request)
	return p.answer()
}

// unchunk reads a chunked body to its proper end.
func unchunk(p *peer) io.Reader { return httputil.NewChunkedReader(p.br) }

// rest reads to the end of the connection, and says how it ended: nil is a close.
func (p *peer) rest() (string, error) {
	b, err := io.ReadAll(p.br)
	return string(b), err
}

// ends waits for the other side to end the connection, discarding what it sends.
func (p *peer) ends() {
	p.t.Helper()
	if _, err := io.Copy(io.Discard, p.br); err != nil {
		netErr, ok := err.(net.Error)
		require.False(p.t, ok && netErr.Timeout(), "the connection stayed open")
	}
}

// tcp is the socket, under TLS too.
func (p *peer) tcp() *net.TCPConn {
	if c, ok := p.Conn.(*tls.Conn); ok {
		return c.NetConn().(*net.TCPConn)
	}
	return p.Conn.(*net.TCPConn)
}

// reset closes the connection with a TCP reset.
func (p *peer) reset() {
	_ = p.tcp().SetLinger(0)
	_ = p.tcp().Close()
}

// close is what a client does that has had enough.
func (p *peer) close() { _ = p.Close() }

// halfClose ends the sending side alone.
func (p *peer) halfClose() {
	if c, ok := p.Conn.(*tls.Conn); ok {
		_ = c.CloseWrite()
	}
	_ = p.tcp().CloseWrite()
}
