package transport_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/transport"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// authority issues certificates for the length of a test run.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pool *x509.CertPool
}

var newAuthority = sync.OnceValue(func() *authority {
	a := &authority{pool: x509.NewCertPool()}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	a.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		panic(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		panic(err)
	}
	a.pool.AddCert(a.cert)
	return a
})

func (a *authority) issue(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{name},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// secure is how a client meets the server of overTLS.
func secure(*testing.T) *tls.Config {
	return &tls.Config{RootCAs: newAuthority().pool, ServerName: "gpu.test"}
}

// acquireTLS acquires a connection and returns the endpoint's end of it.
func acquireTLS(t *testing.T, p *transport.Pool, conns chan net.Conn, config *tls.Config) (*transport.Conn, *tls.Conn, error) {
	t.Helper()
	type end struct {
		c   *tls.Conn
		err error
	}
	shaken := make(chan end, 1)
	go func() {
		nc := <-conns
		s := tls.Server(nc, config)
		err := errors.Join(nc.SetDeadline(time.Now().Add(within)), s.Handshake())
		if err != nil {
			_ = nc.Close()
		}
		shaken <- end{s, err}
	}()
	c, err := p.Acquire(new(wire.Cancel), true, wire.Now())
	server := <-shaken
	t.Cleanup(func() { _ = server.c.NetConn().Close() })
	if err == nil {
		require.NoError(t, server.err)
	}
	return c, server.c, err
}

func serverConfig(t *testing.T) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{newAuthority().issue(t, "gpu.test")}}
}

func TestClientCertificate(t *testing.T) {
	server := serverConfig(t)
	server.ClientAuth, server.ClientCAs = tls.RequireAndVerifyClientCert, newAuthority().pool
	for name, shown := range map[string][]tls.Certificate{"shown": {newAuthority().issue(t, "steelyard")}, "none": nil} {
		t.Run(name, func(t *testing.T) {
			client := secure(t)
			client.Certificates = shown
			p, conns := pool(t, transport.Options{TLS: client})
			server := server.Clone()
			if shown == nil {
				server.MaxVersion = tls.VersionTLS12 // with 1.3 the client has done before the server looks
			}
			c, end, err := acquireTLS(t, p, conns, server)
			if shown == nil {
				assert.Equal(t, fault.Connect, fault.As(err).Kind)
				assert.False(t, fault.As(err).Sent)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, []string{"steelyard"}, end.ConnectionState().PeerCertificates[0].DNSNames)
			assert.Equal(t, "gpu.test", end.ConnectionState().ServerName)
			c.Release(false)
		})
	}
}

// Session tickets come unasked and spoil nothing.
func TestTLSConnectionIsReused(t *testing.T) {
	p, conns := pool(t, transport.Options{TLS: secure(t), MaxIdle: 1})
	c, end, err := acquireTLS(t, p, conns, serverConfig(t))
	require.NoError(t, err)
	for range 3 {
		go answerOnce(end, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
		require.NoError(t, c.Send([]byte("?"), false, wire.Now()+within, within))
		body, err := readAnswer(c, false)
		require.NoError(t, err)
		assert.Equal(t, "hello", body)
		c.Release(true)
		require.Same(t, c, acquire(t, p))
	}
	c.Release(false)
}

// answerOnce reads one question of one byte and answers it.
func answerOnce(end net.Conn, answer string) {
	if _, err := io.ReadFull(end, make([]byte, 1)); err == nil {
		_, _ = io.WriteString(end, answer)
	}
}

// An endpoint that has closed is noticed before the request is sent.
func TestTLSConnectionThatDiedIdle(t *testing.T) {
	for name, die := range map[string]func(*tls.Conn) error{
		"with farewell":    (*tls.Conn).Close,
		"without farewell": func(c *tls.Conn) error { return c.NetConn().Close() },
	} {
		t.Run(name, func(t *testing.T) {
			p, conns := pool(t, transport.Options{TLS: secure(t), MaxIdle: 1})
			c, end, err := acquireTLS(t, p, conns, serverConfig(t))
			require.NoError(t, err)
			go answerOnce(end, "HTTP/1.1 204 No Content\r\n\r\n")
			require.NoError(t, c.Send([]byte("?"), false, wire.Now()+within, within))
			_, err = readAnswer(c, false)
			require.NoError(t, err)
			c.Release(true)
			require.NoError(t, die(end))
			awaitNews(t, c)
			c = acquire(t, p)
			assert.ErrorIs(t, c.Send([]byte("?"), false, wire.Now()+within, within), wire.ErrUnsound)
			c.Release(false)
		})
	}
}

// awaitNews waits until the kernel has bytes or the end of an idle connection.
func awaitNews(t *testing.T, c *transport.Conn) {
	t.Helper()
	socket := c.Conn.Conn
	if s, ok := socket.(*tls.Conn); ok {
		socket = s.NetConn()
	}
	raw, err := socket.(syscall.Conn).SyscallConn()
	require.NoError(t, err)
	require.Eventually(t, func() (there bool) {
		_ = raw.Control(func(fd uintptr) { _, err := wire.Peek(int(fd)); there = err != syscall.EAGAIN })
		return there
	}, within, time.Millisecond)
}
