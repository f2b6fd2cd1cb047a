package transport_test

import (
	"crypto/tls"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/transport"
)

// Over TLS, the end of a body that ends with its connection is the farewell
// (close_notify). A connection that merely ends has been cut (RFC 9112 9.8).
func TestCloseDelimitedBodyOverTLS(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(*tls.Conn) error
		want error
	}{
		"farewell":    {(*tls.Conn).Close, nil},
		"no farewell": {func(c *tls.Conn) error { return c.NetConn().Close() }, &fault.Error{Kind: fault.Truncated}},
	} {
		t.Run(name, func(t *testing.T) {
			p, conns := pool(t, transport.Options{TLS: secure(t)})
			conn, end, err := acquireTLS(t, p, conns, serverConfig(t))
			require.NoError(t, err)
			defer conn.Release(false)
			_, err = io.WriteString(end, "HTTP/1.1 200 OK\r\n\r\nhello")
			require.NoError(t, err)
			require.NoError(t, c.end(end))
			body, err := readAnswer(conn, false)
			assert.Equal(t, "hello", body)
			if c.want == nil {
				assert.NoError(t, err)
			} else if assert.Error(t, err) {
				assert.Equal(t, fault.Truncated, fault.As(err).Kind)
			}
		})
	}
}
