package wire

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// within is how long anything may take that is certain to come.
const within = 20 * time.Second

// bufferSize is that of the connections which pairOf makes.
const bufferSize = 64

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kinds are the connections that a Conn must serve alike.
var kinds = []string{"tcp", "unix", "tls"}

// onEach runs test on each kind of connection: ours, and the peer's end of it.
func onEach(t *testing.T, test func(t *testing.T, c *Conn, peer net.Conn)) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			c, peer := pairOf(t, kind)
			test(t, c, peer)
		})
	}
}

func pairOf(t *testing.T, kind string) (*Conn, net.Conn) {
	t.Helper()
	ours, peer := sockets(t, kind)
	if kind == "tls" {
		ours, peer = encrypted(t, ours, peer)
	}
	return NewConn(ours, NewBuffers(bufferSize)), peer
}

// sockets connects two sockets and closes them with the test.
func sockets(t *testing.T, kind string) (ours, peer net.Conn) {
	t.Helper()
	network, address := "tcp", "127.0.0.1:0"
	if kind == "unix" {
		network, address = "unix", filepath.Join(t.TempDir(), "s")
	}
	ln, err := net.Listen(network, address)
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	peer, err = net.Dial(network, ln.Addr().String())
	require.NoError(t, err)
	ours, err = ln.Accept()
	require.NoError(t, err)
	require.NoError(t, peer.SetDeadline(time.Now().Add(within)))
	t.Cleanup(func() { _ = peer.Close(); _ = ours.Close() })
	return ours, peer
}

var keyPair = sync.OnceValues(func() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
})

// encrypted puts TLS over two sockets. The tickets are off: they would be bytes
// of the peer's that no test has asked for.
func encrypted(t *testing.T, ours, peer net.Conn) (*tls.Conn, *tls.Conn) {
	t.Helper()
	pair, err := keyPair()
	require.NoError(t, err)
	server := tls.Server(ours, &tls.Config{Certificates: []tls.Certificate{pair}, SessionTicketsDisabled: true})
	client := tls.Client(peer, &tls.Config{InsecureSkipVerify: true})
	shaken := make(chan error, 1)
	go func() { shaken <- client.Handshake() }()
	require.NoError(t, server.Handshake())
	require.NoError(t, <-shaken)
	return server, client
}

func send(t *testing.T, peer net.Conn, text string) {
	t.Helper()
	_, err := io.WriteString(peer, text)
	require.NoError(t, err)
}

// arrived waits until the socket under c has something to say: bytes or an end.
func arrived(t *testing.T, c *Conn) {
	t.Helper()
	require.Eventually(t, func() bool {
		silent := false
		err := c.raw.Control(func(fd uintptr) { _, err := Peek(int(fd)); silent = err == syscall.EAGAIN })
		return err == nil && !silent
	}, within, time.Millisecond)
}
