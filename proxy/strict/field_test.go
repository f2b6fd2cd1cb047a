package strict

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestKinds(t *testing.T) {
	for name, want := range map[string]Kind{
		"Host": Host, "CONTENT-LENGTH": ContentLength, "transfer-Encoding": TransferEncoding, "Via": Via, "Keep-Alive": Hop,
		"Proxy-Connection": Hop, "Proxy-Authorization": Hop, "HTTP2-Settings": Hop, "X-Request-ID": RequestID, "Forwarded": Forwarded,
		"X-Forwarded-Proto": ForwardedProto, "Authorization": End, "Cookie": End, "Content-Lengt": End, "Content_Length": End,
		"X-Forwarded": Forwarded, "x-forwarded-port": Forwarded, "X-Forwarded-Client-Cert": Forwarded, "X-Forwardedness": End,
		"X-Forwarded-" + strings.Repeat("x", 50): Forwarded, "X-Real-IP": Forwarded, "X-Original-Forwarded-For": Forwarded,
		"True-Client-IP": Forwarded, "CF-Connecting-IP": Forwarded, "X-": End, strings.Repeat("x", 500): End,
	} {
		assert.Equal(t, want, kindOf([]byte(name)), name)
	}
}

func TestToken(t *testing.T) {
	assert.False(t, Token(nil))
	for c := range 256 {
		want := strings.ContainsRune("!#$%&'*+-.^_`|~0123456789", rune(c)) && c < 0x80 || 'a' <= c|0x20 && c|0x20 <= 'z' && c < 0x80
		assert.Equal(t, want, Token([]byte{'x', byte(c)}), "%q", rune(c))
	}
}

func TestEqualFold(t *testing.T) {
	assert.True(t, EqualFold([]byte("ChunKED"), "chunked"))
	assert.False(t, EqualFold([]byte("chunke"), "chunked"))
	assert.False(t, EqualFold([]byte("\x43hunkeD\x00"), "chunked"))
	assert.False(t, EqualFold([]byte("["), "{"), "only letters fold")
}

// The fast look at eight bytes must agree with the plain one at every position.
func TestVisible(t *testing.T) {
	for length := range 20 {
		for at := range length {
			for c := range 256 {
				b := bytes.Repeat([]byte{'a'}, length)
				b[at] = byte(c)
				want := c == '\t' || c >= 0x20 && c != 0x7f
				assert.Equal(t, want, visible(b), "%q", b)
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		b := make([]byte, r.IntN(30))
		for i := range b {
			b[i] = byte(r.IntN(256))
		}
		assert.Equal(t, visibleSlow(b), visible(b), "%q", b)
	}
}

func TestNumber(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "7": 7, "007": 7, "9223372036854775807": 1<<63 - 1,
		"": -1, "-1": -1, "+1": -1, "1 ": -1, "1a": -1, "9223372036854775808": -1, "99999999999999999999999": -1, "\xb2": -1,
	} {
		assert.Equal(t, want, number([]byte(text)), "%q", text)
	}
}

func TestListElements(t *testing.T) {
	for list, want := range map[string][]string{
		"": nil, ",": nil, " , ,": nil, "a": {"a"}, "a,b": {"a", "b"}, " a ,\tb\t,, c": {"a", "b", "c"},
	} {
		var got []string
		eachToken([]byte(list), func(token []byte) { got = append(got, string(token)) })
		assert.Equal(t, want, got, "%q", list)
	}
}
