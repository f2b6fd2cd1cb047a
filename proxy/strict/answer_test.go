package strict

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// typicalAnswer is what a vLLM server sends.
const typicalAnswer = "HTTP/1.1 200 OK\r\ndate: Mon, 23 Nov 2026 10:00:00 GMT\r\nserver: uvicorn\r\ncontent-length: 300\r\n" +
	"content-type: application/json\r\nx-request-id: 7f3c\r\n\r\n"

func TestTypicalAnswer(t *testing.T) {
	var a Answer
	require.NoError(t, a.Parse([]byte(typicalAnswer)))
	assert.Equal(t, 200, a.Status)
	assert.Equal(t, "OK", string(a.Reason))
	assert.EqualValues(t, 300, a.ContentLength)
	assert.True(t, a.Persistent())
	assert.False(t, a.NoBody() || a.Chunked || a.Close)
	assert.Equal(t, "uvicorn", string(a.Get("server")))
}

func TestRefusedAnswers(t *testing.T) {
	const line = "HTTP/1.1 200 OK\r\n"
	for head, want := range map[string]error{
		"":                                 BadLineEnd,
		"HTTP/1.1 200 OK\n\r\n":            BadLineEnd,
		"HTTP/1.1 200\n":                   BadLineEnd,
		"\r\n\r\n":                         errBadStatusLine,
		"hello\r\n\r\n":                    errBadStatusLine,
		"ICY 200 OK\r\n\r\n":               errBadStatusLine,
		"http/1.1 200 OK\r\n\r\n":          errBadStatusLine,
		"HTTP/2.0 200 OK\r\n\r\n":          errBadStatusLine,
		"HTTP/2 200 OK\r\n\r\n":            errBadStatusLine,
		"HTTP/1.x 200 OK\r\n\r\n":          errBadStatusLine,
		"HTTP/1.1  200 OK\r\n\r\n":         errBadStatusLine,
		"HTTP/1.1 20 OK\r\n\r\n":           errBadStatusLine,
		"HTTP/1.1 2000 OK\r\n\r\n":         errBadStatusLine,
		"HTTP/1.1 099 OK\r\n\r\n":          errBadStatusLine,
		"HTTP/1.1 600 OK\r\n\r\n":          errBadStatusLine,
		"HTTP/1.1 +20 OK\r\n\r\n":          errBadStatusLine,
		"HTTP/1.1 2OO OK\r\n\r\n":          errBadStatusLine,
		"HTTP/1.1 200OK\r\n\r\n":           errBadStatusLine,
		"HTTP/1.1 200 O\rK\r\n\r\n":        errBadStatusLine,
		"HTTP/1.1 200 O\x00\r\n\r\n":       errBadStatusLine,
		line + "A: b":                      BadLineEnd,
		line + "A: b\r\n":                  BadLineEnd,
		line + "A: b\n\r\n":                BadLineEnd,
		line + "A b\r\n\r\n":               BadFieldName,
		line + ": b\r\n\r\n":               BadFieldName,
		line + "A B: b\r\n\r\n":            BadFieldName,
		line + "A: b\x00\r\n\r\n":          BadFieldValue,
		line + "A: b\rc\r\n\r\n":           BadFieldValue,
		line + "A: b\r\n c\r\n\r\n":        LineFolding,
		line + " A: b\r\n\r\n":             LineFolding,
		line + "Content-Length: x\r\n\r\n": BadLength,
		line + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n":          TwoLengths,
		line + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n": LengthAndCoding,
		line + "Transfer-Encoding: gzip, chunked\r\n\r\n":                BadCoding,
		line + "Transfer-Encoding: identity\r\n\r\n":                     BadCoding,
	} {
		var a Answer
		assert.Equal(t, want, a.Parse([]byte(head)), "%q", head)
	}
}

func TestAcceptedAnswers(t *testing.T) {
	for head, check := range map[string]func(*Answer) bool{
		"HTTP/1.1 200 \r\n\r\n":                                       func(a *Answer) bool { return a.Status == 200 && len(a.Reason) == 0 },
		"HTTP/1.1 200\r\n\r\n":                                        func(a *Answer) bool { return a.Status == 200 && a.Reason == nil },
		"HTTP/1.1 599 Tr\xe8s bien\t!\r\n\r\n":                        func(a *Answer) bool { return string(a.Reason) == "Tr\xe8s bien\t!" },
		"HTTP/1.0 200 OK\r\n\r\n":                                     func(a *Answer) bool { return a.Minor == 0 && !a.Persistent() && a.ContentLength == -1 },
		"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n":           func(a *Answer) bool { return a.Persistent() },
		"HTTP/1.2 200 OK\r\n\r\n":                                     func(a *Answer) bool { return a.Minor == 1 },
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n":                func(a *Answer) bool { return !a.Persistent() },
		"HTTP/1.1 200 OK\r\nServer : x\r\n\r\n":                       func(a *Answer) bool { return string(a.Get("server")) == "x" },
		"HTTP/1.1 200 OK\r\nContent-Length \t: 5\r\n\r\n":             func(a *Answer) bool { return a.ContentLength == 5 },
		"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n":       func(a *Answer) bool { return a.Chunked },
		"HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nset-cookie: b\r\n\r\n":   func(a *Answer) bool { return len(a.Fields) == 2 && string(a.Get("set-cookie")) == "a" },
		"HTTP/1.1 200 OK\r\nX: 1\r\nConnection: x\r\n\r\n":            func(a *Answer) bool { return a.Fields[0].Kind == Hop },
		"HTTP/1.1 200 OK\r\nHost: a\r\nHost: b\r\nExpect: x\r\n\r\n":  func(a *Answer) bool { return len(a.Fields) == 3 }, // mean nothing in an answer
		"HTTP/1.1 101 S\r\nUpgrade: w\r\nConnection: upgrade\r\n\r\n": func(a *Answer) bool { return string(a.Upgrade) == "w" && a.NoBody() },
	} {
		var a Answer
		require.NoError(t, a.Parse([]byte(head)), "%q", head)
		assert.True(t, check(&a), "%q: %+v", head, a)
	}
}

func TestStatusesWithoutBody(t *testing.T) {
	for status, want := range map[int]bool{100: true, 103: true, 199: true, 200: false, 204: true, 205: false, 304: true, 404: false, 500: false} {
		assert.Equal(t, want, (&Answer{Status: status}).NoBody(), "%d", status)
	}
}

func TestAnswerIsReusable(t *testing.T) {
	var a Answer
	require.NoError(t, a.Parse([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")))
	require.NoError(t, a.Parse([]byte("HTTP/1.0 404\r\n\r\n")))
	assert.Equal(t, Answer{message: message{ContentLength: -1, Fields: []Field{}}, Status: 404}, a)
}
