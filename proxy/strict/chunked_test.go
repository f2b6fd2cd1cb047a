package strict

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// decoded is all that a decoding has to tell.
type decoded struct {
	data, trailer string
	used          int
	ended         bool
	err           error
}

// decode feeds the pieces one after the other, as reads from a socket would.
func decode(c *Chunked, pieces ...[]byte) (d decoded) {
	for _, piece := range pieces {
		for len(piece) > 0 && !c.Ended() {
			data, used, err := c.Next(piece)
			d.data += string(data)
			d.used += used
			if piece = piece[used:]; err != nil {
				d.err = err
				return d
			}
		}
	}
	d.ended = c.Ended()
	d.trailer = string(c.Trailer)
	return d
}

func TestChunkedBodies(t *testing.T) {
	for name, c := range map[string]struct{ wire, data, trailer string }{
		"empty":                    {"0\r\n\r\n", "", ""},
		"one chunk":                {"5\r\nhello\r\n0\r\n\r\n", "hello", ""},
		"two chunks":               {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world", ""},
		"hexadecimal":              {"A\r\n0123456789\r\nb\r\n0123456789a\r\n0\r\n\r\n", "01234567890123456789a", ""},
		"leading zeros":            {"0005\r\nhello\r\n0000\r\n\r\n", "hello", ""},
		"extension":                {"5;a=b;c=\"d e\"\r\nhello\r\n0;z\r\n\r\n", "hello", ""},
		"CR LF in the data":        {"4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n", ""},
		"what looks like the end":  {"5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n", ""},
		"trailer":                  {"1\r\nx\r\n0\r\nX-Sum: 1\r\nX-More:\t2\r\n\r\n", "x", "X-Sum: 1\r\nX-More:\t2\r\n"},
		"trailer with a Date":      {"0\r\nDate: now\r\n\r\n", "", "Date: now\r\n"},
		"trailer with empty value": {"0\r\nA:\r\n\r\n", "", "A:\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			want := decoded{data: c.data, trailer: c.trailer, used: len(c.wire), ended: true}
			assert.Equal(t, want, decode(new(Chunked), []byte(c.wire)))
			assert.Equal(t, want, decode(new(Chunked), []byte(c.wire+"GET / HTTP/1.1\r\n")), "takes what follows")
			for at := range len(c.wire) {
				assert.Equal(t, want, decode(new(Chunked), []byte(c.wire[:at]), []byte(c.wire[at:])), "split at %d", at)
				assert.False(t, decode(new(Chunked), []byte(c.wire[:at])).ended, "whole after %d bytes", at)
			}
			one := make([][]byte, len(c.wire))
			for i := range one {
				one[i] = []byte(c.wire[i : i+1])
			}
			assert.Equal(t, want, decode(new(Chunked), one...), "byte by byte")
		})
	}
}

func TestRefusedChunks(t *testing.T) {
	for name, c := range map[string]struct {
		wire string
		want error
	}{
		"no size":                {"\r\nhello", ErrBadChunk},
		"sign":                   {"+5\r\nhello", ErrBadChunk},
		"minus":                  {"-5\r\nhello", ErrBadChunk},
		"0x":                     {"0x5\r\nhello", ErrBadChunk},
		"leading space":          {" 5\r\nhello", ErrBadChunk},
		"trailing space":         {"5 \r\nhello", ErrBadChunk},
		"trailing tab":           {"5\t\r\nhello", ErrBadChunk},
		"space before extension": {"5 ;a\r\nhello", ErrBadChunk},
		"no hexadecimal":         {"g\r\n", ErrBadChunk},
		"bare LF":                {"5\nhello", ErrBadChunk},
		"bare CR":                {"5\rhello", ErrBadChunk},
		"LF in the extension":    {"5;a\nhello", ErrBadChunk},
		"CR in the extension":    {"5;a\rb\r\nhello", ErrBadChunk},
		"NUL in the extension":   {"5;\x00\r\nhello", ErrBadChunk},
		"DEL in the extension":   {"5;\x7f\r\nhello", ErrBadChunk},
		"endless extension":      {"5;" + strings.Repeat("x", maxSizeLine+1), ErrBadChunk},
		"endless size":           {strings.Repeat("0", 16), ErrBadChunk},
		"size beyond 60 bits":    {"1000000000000000\r\n", ErrBadChunk},
		"data too short":         {"5\r\nhell\r\n0\r\n\r\n", ErrBadChunk},
		"data too long":          {"5\r\nhello!\r\n0\r\n\r\n", ErrBadChunk},
		"LF after the data":      {"5\r\nhello\n0\r\n\r\n", ErrBadChunk},
		"no CR LF after data":    {"5\r\nhello5\r\nhello\r\n", ErrBadChunk},
		"trailer no field":       {"0\r\nhello\r\n\r\n", ErrBadTrailer},
		"trailer folded":         {"0\r\nA: b\r\n c\r\n\r\n", ErrBadTrailer},
		"trailer bare LF":        {"0\r\nA: b\nB: c\r\n\r\n", ErrBadTrailer},
		"trailer bare CR":        {"0\r\nA: b\rB: c\r\n\r\n", ErrBadTrailer},
		"trailer NUL":            {"0\r\nA: \x00\r\n\r\n", ErrBadTrailer},
		"trailer name":           {"0\r\nA : b\r\n\r\n", ErrBadTrailer},
		"endless trailer":        {"0\r\nA: " + strings.Repeat("x", maxTrailers) + "\r\n\r\n", ErrBadTrailer},
		"endless trailer line":   {"0\r\nA: " + strings.Repeat("x", maxTrailers), ErrBadTrailer},
	} {
		t.Run(name, func(t *testing.T) {
			whole := decode(new(Chunked), []byte(c.wire))
			assert.Equal(t, c.want, whole.err)
			for at := range min(len(c.wire), 100) {
				split := decode(new(Chunked), []byte(c.wire[:at]), []byte(c.wire[at:]))
				assert.Equal(t, whole.err, split.err, "split at %d", at)
				assert.Equal(t, whole.data, split.data, "split at %d", at)
			}
		})
	}
}

// Fields that frame, route or authenticate may not come after the body.
func TestForbiddenTrailers(t *testing.T) {
	for _, name := range []string{
		"Content-Length", "Transfer-Encoding", "Host", "Trailer", "TE", "Connection", "Keep-Alive", "Upgrade", "Via", "Expect",
		"Max-Forwards", "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "Content-Type", "Content-Encoding",
		"Content-Range", "Cache-Control", "Range", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "X-Request-Id",
	} {
		wire := fmt.Sprintf("0\r\nX-A: 1\r\n%s: 0\r\nX-B: 2\r\n\r\n", strings.ToUpper(name))
		assert.Equal(t, ErrBadTrailer, decode(new(Chunked), []byte(wire)).err, name)

		kept := decode(&Chunked{DropForbidden: true}, []byte(wire))
		assert.NoError(t, kept.err, name)
		assert.Equal(t, "X-A: 1\r\nX-B: 2\r\n", kept.trailer, name)
	}
	malformed := decode(&Chunked{DropForbidden: true}, []byte("0\r\nA b\r\n\r\n"))
	assert.Equal(t, ErrBadTrailer, malformed.err, "dropping is for what is well-formed")
}

// A reader may take data past the decoder, as long as it says so.
func TestDataTakenPastTheDecoder(t *testing.T) {
	var c Chunked
	assert.Zero(t, c.Left(), "in front of a size")
	used, err := c.Skip([]byte("5\r\nhello\r\n"))
	require.NoError(t, err)
	assert.Equal(t, 3, used, "Skip stops at the data")
	assert.EqualValues(t, 5, c.Left())
	c.Took(2)
	assert.EqualValues(t, 3, c.Left())
	data, used, err := c.Next([]byte("llo\r\n0\r\n"))
	require.NoError(t, err)
	assert.Equal(t, "llo", string(data))
	assert.Equal(t, 3, used)
	assert.Zero(t, c.Left())
	used, err = c.Skip([]byte("\r\n0\r\n\r\n"))
	require.NoError(t, err)
	assert.Equal(t, 7, used)
	assert.True(t, c.Ended())
	assert.Zero(t, c.Left(), "behind the end")

	c.Reset()
	_, err = c.Skip([]byte("3\r\n"))
	require.NoError(t, err)
	c.Took(3)
	assert.Zero(t, c.Left(), "the CR LF after the data is due")
	_, err = c.Skip([]byte("abc"))
	assert.Equal(t, ErrBadChunk, err)
}

func TestChunkedIsReusable(t *testing.T) {
	c := Chunked{DropForbidden: true}
	first := decode(&c, []byte("1\r\nx\r\n0\r\nA: b\r\nHost: c\r\n\r\n"))
	require.True(t, first.ended)
	c.Reset()
	assert.False(t, c.Ended())
	assert.Empty(t, c.Trailer)
	assert.Equal(t, decoded{data: "y", used: 11, ended: true}, decode(&c, []byte("1\r\ny\r\n0\r\n\r\n")))
	assert.True(t, c.DropForbidden)

	c.Reset()
	require.Error(t, decode(&c, []byte("5;"+strings.Repeat("x", 5000))).err)
	c.Reset()
	assert.True(t, decode(&c, []byte("0\r\n\r\n")).ended, "an error is forgotten too")
}

func TestAnnouncedTrailers(t *testing.T) {
	for list, want := range map[string]string{
		"": "", " , ,": "", "X-T": "X-T", "X-T,\tDate ,x-v": "X-T, Date, x-v", "content-LENGTH": "",
		"Transfer-Encoding, X-T": "X-T", "X-T, Set-Cookie, Cookie": "X-T", "X T, X-V": "X-V", "Trailer, TE, Host": "",
	} {
		assert.Equal(t, "begin "+want, string(AppendAnnounced([]byte("begin "), []byte(list))), list)
	}
}
