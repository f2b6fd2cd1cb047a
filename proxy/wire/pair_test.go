package wire

import (
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// within bounds every wait that is not meant to time out.
const within = time.Minute

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// soon is the moment before which whatever a test waits for has to happen.
func soon() time.Duration { return Within(within) }

// kinds are the connections the data path uses.
var kinds = []string{"tcp", "unix", "tls"}

// onEach runs a test over each kind of connection.
func onEach(t *testing.T, test func(t *testing.T, c *Conn, peer net.Conn)) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			c, peer := pair(t, kind, 4096)
			test(t, c, peer)
		})
	}
}

// pair connects a Conn of size bytes of buffer with a plain peer, which gives up after a while.
func pair(t testing.TB, kind string, size int) (*Conn, net.Conn) {
	t.Helper()
	nc, peer := connected(t, kind)
	require.NoError(t, peer.SetDeadline(time.Now().Add(within)))
	return newConn(nc, NewBuffers(size)), peer
}

func connected(t testing.TB, kind string) (ours, peer net.Conn) {
	t.Helper()
	network, address := "tcp", "127.0.0.1:0"
	if kind == "unix" {
		network, address = "unix", filepath.Join(t.TempDir(), "s")
	}
	ln, err := net.Listen(network, address)
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	if peer, err = net.Dial(network, ln.Addr().String()); err != nil {
		require.NoError(t, err)
	}
	ours, err = ln.Accept()
	require.NoError(t, err)
	if kind == "tls" {
		ours, peer = overTLS(t, ours, peer)
	}
	t.Cleanup(func() { _, _ = ours.Close(), peer.Close() })
	return ours, peer
}

// overTLS shakes hands, with us as the server, and without tickets: they would be
// bytes that no test has asked for.
func overTLS(t testing.TB, ours, peer net.Conn) (net.Conn, net.Conn) {
	t.Helper()
	s := httptest.NewTLSServer(nil) // lends its certificate
	defer s.Close()
	server := tls.Server(NewSeal(ours), &tls.Config{Certificates: s.TLS.Certificates, SessionTicketsDisabled: true})
	client := tls.Client(peer, &tls.Config{InsecureSkipVerify: true})
	done := make(chan error, 1)
	go func() { done <- client.Handshake() }()
	require.NoError(t, server.Handshake())
	require.NoError(t, <-done)
	return server, client
}

func say(t testing.TB, peer net.Conn, text string) {
	t.Helper()
	_, err := io.WriteString(peer, text)
	require.NoError(t, err)
}

// fillTo reads until n bytes are in the buffer.
func fillTo(t testing.TB, c *Conn, n int) {
	t.Helper()
	for c.Buffered() < n {
		require.NoError(t, c.Fill(soon()))
	}
}

// reset ends a connection so that the other side sees an error.
func reset(t testing.TB, peer net.Conn) {
	t.Helper()
	if s, ok := peer.(*tls.Conn); ok {
		peer = s.NetConn()
	}
	require.NoError(t, peer.(*net.TCPConn).SetLinger(0))
	require.NoError(t, peer.Close())
}

func newConn(nc net.Conn, buffers *Buffers) *Conn {
	c := new(Conn)
	c.Init(nc, buffers)
	c.Secured()
	return c
}
