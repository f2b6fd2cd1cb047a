package transport_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/transport"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

const poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"

// holding gathers what is written until it is told to let it go, so that several
// TLS records travel together.
type holding struct {
	net.Conn
	hold bool
	held []byte
}

func (h *holding) Write(p []byte) (int, error) {
	if h.held = append(h.held, p...); h.hold {
		return len(p), nil
	}
	out := h.held
	h.held = nil
	_, err := h.Conn.Write(out)
	return len(p), err
}

// An answer that nobody asked for, in a TLS record of its own, must never be
// taken for the answer to the next request: not when it comes with the one that
// was asked for, and not when it comes later.
func TestUnaskedAnswerOverTLS(t *testing.T) {
	for name, together := range map[string]bool{"with the answer": true, "later": false} {
		t.Run(name, func(t *testing.T) {
			p, conns := pool(t, transport.Options{TLS: secure(t), MaxIdle: 1})
			ends := make(chan *tls.Conn, 1)
			config := serverConfig(t)
			go func() {
				h := &holding{Conn: <-conns}
				end := tls.Server(h, config)
				if _, err := io.ReadFull(end, make([]byte, 1)); err == nil {
					h.hold = together
					_, _ = io.WriteString(end, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
					h.hold = false
					if together {
						_, _ = io.WriteString(end, poison)
					}
				}
				ends <- end
			}()
			c := acquire(t, p)
			require.NoError(t, c.Send([]byte("?"), false, wire.Now()+within, within))
			end := <-ends
			t.Cleanup(func() { _ = end.NetConn().Close() })
			body, err := readAnswer(c, false)
			require.NoError(t, err)
			require.Equal(t, "ok", body)
			c.Release(true)
			if !together {
				_, err := io.WriteString(end, poison)
				require.NoError(t, err)
				awaitNews(t, c)
			}
			go func() { // honest from now on
				_, _ = io.ReadFull(end, make([]byte, 1))
				_, _ = io.WriteString(end, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhonest")
			}()
			again := acquire(t, p)
			defer again.Release(false)
			if !again.Reused {
				return // it was not even kept
			}
			if err := again.Send([]byte("?"), false, wire.Now()+within, within); errors.Is(err, wire.ErrUnsound) {
				return
			}
			var a strict.Answer
			size, err := again.ReadHead(&a, wire.Now()+within)
			require.NoError(t, err)
			assert.NotContains(t, string(again.Bytes()[size:]), "poison", "the answer to nobody's request")
		})
	}
}
