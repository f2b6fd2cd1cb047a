package front_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/front"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
)

// received is how the reading of one body ended.
type received struct {
	text, trailer string
	err           error // nil: at its proper end
}

// reading is a handler that reads bodies, room bytes at a time, and answers.
func reading(room int) (func(*front.Conn), <-chan received) {
	bodies := make(chan received, 8)
	return func(c *front.Conn) {
		var r received
		p := make([]byte, room)
		for r.err == nil {
			var n int
			n, r.err = c.ReadBody(p)
			r.text += string(p[:n])
		}
		if errors.Is(r.err, io.EOF) {
			r.err, r.trailer = nil, string(c.Trailer())
		}
		bodies <- r
		hello(c)
	}, bodies
}

func upload(fields, body string) string {
	return "POST / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + body
}

const chunked = "Transfer-Encoding: chunked\r\n"

// Bodies are the same wherever the network splits them and however much of them
// is read at once; what follows is the next request.
func TestBodies(t *testing.T) {
	for name, c := range map[string]struct {
		fields, body string
		want         received
	}{
		"none":     {"", "", received{}},
		"empty":    {"Content-Length: 0\r\n", "", received{}},
		"length":   {"Content-Length: 11\r\n", "hello world", received{text: "hello world"}},
		"chunks":   {chunked, "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n", received{text: "hello world"}},
		"no chunk": {chunked, "0\r\n\r\n", received{}},
		"trailers": {chunked, "2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n", received{text: "hi", trailer: "X-Sum: 1\r\n"}},
	} {
		for _, room := range []int{1, 3, 4096} {
			t.Run(fmt.Sprintf("%s, %d at once", name, room), func(t *testing.T) {
				handler, bodies := reading(room)
				s := serve(t, front.Options{Handler: handler}, nil, nil)
				conn := dial(t, s.address)
				for at := range len(c.body) + 1 {
					_, err := io.WriteString(conn, upload(c.fields, c.body[:at]))
					require.NoError(t, err)
					assert.Equal(t, 200, ask(t, conn, c.body[at:]).StatusCode)
					assert.Equal(t, c.want, happens(t, bodies), "split at %d", at)
				}
			})
		}
	}
}

// Requests that come together are answered one after the other.
func TestPipelinedBodies(t *testing.T) {
	handler, bodies := reading(4)
	s := serve(t, front.Options{Handler: handler}, nil, nil)
	conn := dial(t, s.address)
	_, err := io.WriteString(conn, upload("Content-Length: 5\r\n", "first")+upload(chunked, "6\r\nsecond\r\n0\r\n\r\n")+"\r\n"+get)
	require.NoError(t, err)
	for _, want := range []string{"first", "second", ""} {
		assert.Equal(t, received{text: want}, happens(t, bodies))
	}
}

func TestBrokenBodies(t *testing.T) {
	for name, c := range map[string]struct {
		fields, body string
		want         error
	}{
		"cut length":  {"Content-Length: 10\r\n", "hello", strict.BodyCutShort},
		"cut chunk":   {chunked, "5\r\nhe", strict.BodyCutShort},
		"cut between": {chunked, "5\r\nhello\r\n", strict.BodyCutShort},
		"cut trailer": {chunked, "0\r\nX-Sum", strict.BodyCutShort},
		"bad size":    {chunked, "zz\r\n", strict.BadChunk},
		"bad end":     {chunked, "2\r\nhiX", strict.BadChunk},
		"bad trailer": {chunked, "0\r\nHost: evil\r\n\r\n", strict.BadTrailer},
	} {
		t.Run(name, func(t *testing.T) {
			handler, bodies := reading(4096)
			s := serve(t, front.Options{Handler: handler, WaitHalf: true}, nil, nil)
			conn := dial(t, s.address)
			_, err := io.WriteString(conn, upload(c.fields, c.body))
			require.NoError(t, err)
			require.NoError(t, conn.(*net.TCPConn).CloseWrite())
			assert.Same(t, c.want, happens(t, bodies).err)
			closes(t, conn)
		})
	}
}

func TestSlowBody(t *testing.T) {
	handler, bodies := reading(4096)
	s := serve(t, front.Options{Handler: handler, Body: 20 * time.Millisecond}, nil, nil)
	conn := dial(t, s.address)
	_, err := io.WriteString(conn, upload("Content-Length: 10\r\n", "hello"))
	require.NoError(t, err)
	assert.Equal(t, received{text: "hello", err: strict.BodyTimeout}, happens(t, bodies))
}

// A client that waits for 100 Continue gets it when its body is wanted, once.
func TestContinue(t *testing.T) {
	handler, bodies := reading(4096)
	s := serve(t, front.Options{Handler: handler}, nil, nil)
	conn := dial(t, s.address)
	_, err := io.WriteString(conn, upload("Content-Length: 5\r\nExpect: 100-continue\r\n", ""))
	require.NoError(t, err)
	line := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))
	_, err = io.ReadFull(conn, line)
	require.NoError(t, err)
	assert.Equal(t, "HTTP/1.1 100 Continue\r\n\r\n", string(line))
	assert.Equal(t, 200, ask(t, conn, "hello").StatusCode)
	assert.Equal(t, received{text: "hello"}, happens(t, bodies))
}

// A body that nobody has read is read away if it is small, and ends the
// connection if it is large or was never asked for.
func TestUnreadBodies(t *testing.T) {
	s := serve(t, front.Options{Handler: hello}, nil, nil)
	for name, c := range map[string]struct {
		fields, body string
		keeps        bool
	}{
		"small":        {"Content-Length: 5\r\n", "hello", true},
		"small chunks": {chunked, "5\r\nhello\r\n0\r\n\r\n", true},
		"too large":    {"Content-Length: 1000000\r\n", "", false},
		"never asked":  {"Content-Length: 5\r\nExpect: 100-continue\r\n", "", false},
		"bad chunk":    {chunked, "zz\r\n", false},
		"endless":      {chunked, strings.Repeat("1000\r\n"+strings.Repeat("x", 0x1000)+"\r\n", 80), false},
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, s.address)
			r := ask(t, conn, upload(c.fields, c.body))
			assert.Equal(t, http.StatusOK, r.StatusCode)
			if c.keeps {
				assert.Equal(t, http.StatusOK, ask(t, conn, get).StatusCode)
			} else {
				closes(t, conn)
			}
		})
	}
}
