package names

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// found makes a name that leads to the addresses, at the port of a server on 127.0.0.1.
func found(t *testing.T, list ...string) *Name {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = ln.Close() })
	_, port, err := net.SplitHostPort(ln.Addr().String())
	require.NoError(t, err)
	n := New(Options{Address: "gpu.test:" + port, Lookup: func(context.Context, string) ([]netip.Addr, error) {
		return addresses(list...), nil
	}})
	n.look(t.Context())
	return n
}

func (n *Name) dial(t *testing.T, within time.Duration) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	c, err := n.Dial(ctx, &net.Dialer{}, "tcp", "gpu.test:"+n.port)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }()
	return c.RemoteAddr().(*net.TCPAddr).IP.String(), nil
}

// What cannot be reached costs no request while another address can, of either family, and is
// tried last from then on, also after a look-up.
func TestNextAddressWhereOneCannotBeReached(t *testing.T) {
	n := found(t, "::1", "127.0.0.2", "127.0.0.1")
	for range 2 {
		got, err := n.dial(t, time.Minute)
		require.NoError(t, err)
		assert.Equal(t, "127.0.0.1", got)
		assert.Equal(t, addresses("127.0.0.1", "::1", "127.0.0.2"), n.known.Load().order)
		n.look(t.Context())
	}
	assert.Empty(t, n.doubted, "it was reached")
	n.mu.Lock()
	for a := range n.ill {
		n.ill[a] = time.Now().Add(-illFor)
	}
	n.mu.Unlock()
	n.look(t.Context())
	assert.Equal(t, addresses("::1", "127.0.0.2", "127.0.0.1"), n.known.Load().order)
	assert.Empty(t, n.ill)
}

// A server at none of its addresses may have moved.
func TestUnreachableServerIsDoubted(t *testing.T) {
	n := found(t, "127.0.0.2", "127.0.0.3")
	_, err := n.dial(t, time.Minute)
	assert.ErrorContains(t, err, "127.0.0.2", "the first error is told")
	assert.Len(t, n.doubted, 1)
	assert.Equal(t, addresses("127.0.0.2", "127.0.0.3"), n.known.Load().order)
}

// One that never answers takes its part of the time, and leaves the rest to the others.
func TestAddressThatNeverAnswers(t *testing.T) {
	n := found(t, "192.0.2.1", "127.0.0.1") // nobody is there, by RFC 5737
	got, err := n.dial(t, 2*time.Second)
	require.NoError(t, err)
	assert.Equal(t, "127.0.0.1", got)
}

// TestDialAnotherPort: the server is where its name leads; that nobody listens at another of its
// ports says nothing of it.
func TestDialAnotherPort(t *testing.T) {
	n := found(t, "127.0.0.1", "127.0.0.2")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	other, err := net.Listen("tcp", "127.0.0.2:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(other.Addr().String())
	require.NoError(t, err)
	c, err := n.Dial(ctx, &net.Dialer{}, "tcp", "gpu.test:"+port)
	require.NoError(t, err)
	assert.Equal(t, other.Addr().String(), c.RemoteAddr().String())
	require.NoError(t, c.Close())
	require.NoError(t, other.Close())
	_, err = n.Dial(ctx, &net.Dialer{}, "tcp", "gpu.test:"+port)
	require.Error(t, err)
	assert.Equal(t, addresses("127.0.0.1", "127.0.0.2"), n.known.Load().order)
	assert.Empty(t, n.doubted)
}
