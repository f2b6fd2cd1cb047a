package strict

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestHeadEnd(t *testing.T) {
	for head, want := range map[string]int{
		"": -1, "\r\n": -1, "GET / HTTP/1.1\r\n": -1, "a\r\n\r": -1, "a\n\n": -1, "a\r\n\n": -1,
		"a\r\n\r\n": 5, "a\r\n\r\nrest\r\n\r\n": 5, "\r\n\r\n": 4,
	} {
		assert.Equal(t, want, HeadEnd([]byte(head)), "%q", head)
	}
}

func TestBareLF(t *testing.T) {
	for head, want := range map[string]bool{
		"": false, "a": false, "a\r": false, "a\r\n": false, "a\r\nb: c\r\n": false,
		"\n": true, "a\n": true, "a\r\nb\n": true, "a\r\n\n": true,
	} {
		assert.Equal(t, want, new(Search).BareLF([]byte(head)), "%q", head)
	}
}

// What Doomed refuses, Parse would refuse as well: it may only be earlier.
func TestDoomed(t *testing.T) {
	for head, want := range map[string]*Refusal{
		"":                                 nil,
		"NONSENSE":                         nil, // may go on
		"GET / HTTP/1.1":                   nil,
		"GET / HTTP/1.1\r\n":               nil,
		"GET / HTTP/1.1\r\nHost: a\r\nB b": nil,
		"GET / HTTP/1.1\n":                 BadLineEnd,
		"GET / HTTP/1.1\r\nHost: a\n":      BadLineEnd,
		"NONSENSE\r\n":                     BadRequestLine,
		"GET / HTTP/9.9\r\n":               VersionNotServed,
		"CONNECT a:1 HTTP/1.1\r\n":         MethodRefused,
		"\x16\x03\x01\x02\x00\x01\r\n":     BadRequestLine,
		"\x16":                             BadRequestLine, // a client that speaks TLS waits for an answer, and sends no line end
		"\x00\x00\x00\x10":                 BadRequestLine,
		" ":                                BadRequestLine,
	} {
		assert.Same(t, want, new(Search).Doomed([]byte(head)), "%q", head)
		if want != nil {
			var r Request
			assert.NotNil(t, r.Parse([]byte(head+"\r\n\r\n")), "%q", head)
		}
	}
}

// A request that is accepted is never doomed on its way in.
func TestGoodRequestIsNeverDoomed(t *testing.T) {
	for n := range len(typicalRequest) {
		assert.Nil(t, new(Search).Doomed([]byte(typicalRequest[:n])), "after %d bytes", n)
	}
	assert.Equal(t, len(typicalRequest), HeadEnd([]byte(typicalRequest+strings.Repeat("x", 600))))
}

func TestRefusalsSayWhatIsWrong(t *testing.T) {
	codes := map[string]bool{}
	for _, r := range []*Refusal{
		BadRequestLine, BadLineEnd, BadTarget, FragmentInTarget, DotSegment, NulInPath, HostMismatch, BadFieldName, BadFieldValue,
		LineFolding, NoHost, TwoHosts, BadHost, BadLength, TwoLengths, LengthAndCoding, BadCoding, CodingInHTTP10, FramingLookalike,
		BadChunk, BadTrailer, BodyCutShort, MethodRefused, HeaderTimeout, BodyTimeout, BodyTooLarge, TargetTooLong, BadExpectation,
		HeaderTooLarge, VersionNotServed, TooManyConnections,
	} {
		assert.False(t, codes[r.Code], "%s names two refusals", r.Code)
		codes[r.Code] = true
		assert.Regexp(t, `^[a-z0-9_]+$`, r.Code)
		assert.NotEmpty(t, r.Reason)
		assert.Equal(t, r.Reason, r.Error())
		assert.GreaterOrEqual(t, r.Status, 400, r.Code)
	}
}
