package strict

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// typicalRequest is what an SDK sends.
const typicalRequest = "POST /v1/chat/completions HTTP/1.1\r\nHost: gateway.test:8080\r\nUser-Agent: OpenAI/Python 1.99.1\r\n" +
	"Accept: application/json\r\nContent-Type: application/json\r\nAuthorization: Bearer sk-0123456789abcdef\r\n" +
	"X-Stainless-Lang: python\r\nX-Request-Id: 7f3c\r\nConnection: keep-alive\r\nContent-Length: 600\r\n\r\n"

// parse parses a head that the gate must accept.
func parse(t *testing.T, head string) *Request {
	t.Helper()
	r := new(Request)
	refusal := r.Parse([]byte(head))
	require.Nil(t, refusal, "refused: %v", refusal)
	return r
}

func TestTypicalRequest(t *testing.T) {
	r := parse(t, typicalRequest)
	assert.Equal(t, "POST", string(r.Method))
	assert.Equal(t, "/v1/chat/completions", string(r.Target))
	assert.Equal(t, "/v1/chat/completions", string(r.Path))
	assert.Equal(t, "gateway.test:8080", string(r.Host))
	assert.Equal(t, 1, r.Minor)
	assert.EqualValues(t, 600, r.ContentLength)
	assert.True(t, r.HasBody())
	assert.True(t, r.Persistent())
	assert.False(t, r.Chunked || r.Close || r.Expect || r.Trailers || r.Absolute || r.Head())
	assert.Equal(t, "application/json", string(r.Get("content-type")))
	assert.Nil(t, r.Get("cookie"))
	assert.Len(t, r.Fields, 9)
}

type refusedRequest struct {
	head string
	want *Refusal
}

// refusedRequests are heads that the gate refuses, and why.
var refusedRequests = func() map[string]refusedRequest {
	const line, host = "GET / HTTP/1.1\r\n", "Host: a.test\r\n"
	post := func(fields string) string { return "POST / HTTP/1.1\r\n" + host + fields + "\r\n" }
	return map[string]refusedRequest{
		"no line":                 {"\r\n\r\n", BadRequestLine},
		"one word":                {"GET\r\n" + host + "\r\n", BadRequestLine},
		"HTTP/0.9":                {"GET /\r\n" + host + "\r\n", BadRequestLine},
		"leading space":           {" GET / HTTP/1.1\r\n" + host + "\r\n", BadRequestLine},
		"two spaces":              {"GET  / HTTP/1.1\r\n" + host + "\r\n", BadTarget},
		"space in the target":     {"GET /a b HTTP/1.1\r\n" + host + "\r\n", BadTarget},
		"trailing space":          {"GET / HTTP/1.1 \r\n" + host + "\r\n", BadRequestLine},
		"tab for a space":         {"GET\t/ HTTP/1.1\r\n" + host + "\r\n", BadRequestLine},
		"method no token":         {"GE(T / HTTP/1.1\r\n" + host + "\r\n", BadRequestLine},
		"lower-case protocol":     {"GET / http/1.1\r\n" + host + "\r\n", BadRequestLine},
		"HTTP/1.11":               {"GET / HTTP/1.11\r\n" + host + "\r\n", BadRequestLine},
		"HTTP/1.2":                {"GET / HTTP/1.2\r\n" + host + "\r\n", VersionNotServed},
		"HTTP/2.0":                {"PRI * HTTP/2.0\r\n\r\n", VersionNotServed},
		"HTTP/9.9":                {"GET / HTTP/9.9\r\n" + host + "\r\n", VersionNotServed},
		"CONNECT":                 {"CONNECT a.test:443 HTTP/1.1\r\n" + host + "\r\n", MethodRefused},
		"TRACE":                   {"TRACE / HTTP/1.1\r\n" + host + "\r\n", MethodRefused},
		"bare LF after the line":  {"GET / HTTP/1.1\n" + host + "\r\n", BadLineEnd},
		"bare LF after a field":   {line + "Host: a.test\nA: b\r\n\r\n", BadLineEnd},
		"bare LF in a value":      {line + host + "A: b\nc: d\r\n\r\n", BadLineEnd},
		"bare CR in a value":      {line + host + "A: b\rc\r\n\r\n", BadFieldValue},
		"NUL in a value":          {line + host + "A: b\x00c\r\n\r\n", BadFieldValue},
		"DEL in a value":          {line + host + "A: b\x7fc\r\n\r\n", BadFieldValue},
		"cut off":                 {line + host, BadLineEnd},
		"no colon":                {line + host + "A\r\n\r\n", BadFieldName},
		"empty name":              {line + host + ": b\r\n\r\n", BadFieldName},
		"space before the colon":  {line + host + "A : b\r\n\r\n", BadFieldName},
		"space in a name":         {line + host + "X A: b\r\n\r\n", BadFieldName},
		"control in a name":       {line + host + "X\x01A: b\r\n\r\n", BadFieldName},
		"NUL in a name":           {line + host + "X\x00A: b\r\n\r\n", BadFieldName},
		"obs-text in a name":      {line + host + "X\xe9A: b\r\n\r\n", BadFieldName},
		"folding with a space":    {line + host + "A: b\r\n c\r\n\r\n", LineFolding},
		"folding with a tab":      {line + host + "A: b\r\n\tc\r\n\r\n", LineFolding},
		"folding of the line":     {line + " Host: a.test\r\n\r\n", LineFolding},
		"no Host":                 {line + "\r\n", NoHost},
		"two Hosts":               {line + host + host + "\r\n", TwoHosts},
		"empty Host":              {line + "Host:\r\n\r\n", BadHost},
		"list in Host":            {line + "Host: a.test, b.test\r\n\r\n", BadHost},
		"user in Host":            {line + "Host: u@a.test\r\n\r\n", BadHost},
		"path in Host":            {line + "Host: a.test/x\r\n\r\n", BadHost},
		"length and coding":       {post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), LengthAndCoding},
		"coding and length":       {post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), LengthAndCoding},
		"two lengths":             {post("Content-Length: 3\r\nContent-Length: 4\r\n"), TwoLengths},
		"the same length twice":   {post("Content-Length: 3\r\nContent-Length: 3\r\n"), TwoLengths},
		"list of lengths":         {post("Content-Length: 3, 3\r\n"), BadLength},
		"signed length":           {post("Content-Length: +3\r\n"), BadLength},
		"negative length":         {post("Content-Length: -3\r\n"), BadLength},
		"hexadecimal length":      {post("Content-Length: 0x3\r\n"), BadLength},
		"empty length":            {post("Content-Length:\r\n"), BadLength},
		"length with a fraction":  {post("Content-Length: 3.0\r\n"), BadLength},
		"length with a space":     {post("Content-Length: 3 0\r\n"), BadLength},
		"huge length":             {post("Content-Length: 9223372036854775808\r\n"), BadLength},
		"unknown coding":          {post("Transfer-Encoding: gzip\r\n"), BadCoding},
		"coding before chunked":   {post("Transfer-Encoding: gzip, chunked\r\n"), BadCoding},
		"chunked twice":           {post("Transfer-Encoding: chunked, chunked\r\n"), BadCoding},
		"chunked in two fields":   {post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), BadCoding},
		"identity":                {post("Transfer-Encoding: identity\r\n"), BadCoding},
		"xchunked":                {post("Transfer-Encoding: xchunked\r\n"), BadCoding},
		"chunked with parameter":  {post("Transfer-Encoding: chunked;a=b\r\n"), BadCoding},
		"chunked with a VT":       {post("Transfer-Encoding: \x0bchunked\r\n"), BadFieldValue},
		"empty coding":            {post("Transfer-Encoding:\r\n"), BadCoding},
		"coding in HTTP/1.0":      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", CodingInHTTP10},
		"Content_Length":          {post("Content_Length: 3\r\n"), FramingLookalike},
		"Transfer_Encoding":       {post("transfer_ENCODING: chunked\r\n"), FramingLookalike},
		"other expectation":       {post("Expect: 200-ok\r\n"), BadExpectation},
		"two expectations in one": {post("Expect: 100-continue, x\r\n"), BadExpectation},
	}
}()

func TestRefusedRequests(t *testing.T) {
	for name, c := range refusedRequests {
		t.Run(name, func(t *testing.T) {
			var r Request
			got := r.Parse([]byte(c.head))
			require.NotNil(t, got, "accepted")
			assert.Same(t, c.want, got, "refused as %q", got.Code)
		})
	}
}

func TestAcceptedRequests(t *testing.T) {
	const host = "Host: a.test\r\n"
	for name, c := range map[string]struct {
		head  string
		check func(*Request) bool
	}{
		"no body":                {"GET / HTTP/1.1\r\n" + host + "\r\n", func(r *Request) bool { return r.ContentLength == -1 && !r.HasBody() }},
		"length 0":               {"POST / HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n", func(r *Request) bool { return r.ContentLength == 0 && !r.HasBody() }},
		"length with zeros":      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 0012\r\n\r\n", func(r *Request) bool { return r.ContentLength == 12 }},
		"largest length":         {"POST / HTTP/1.1\r\n" + host + "Content-Length: 9223372036854775807\r\n\r\n", func(r *Request) bool { return r.ContentLength == 1<<63-1 }},
		"chunked in any case":    {"POST / HTTP/1.1\r\n" + host + "TRANSFER-encoding:\t Chunked \r\n\r\n", func(r *Request) bool { return r.Chunked && r.HasBody() }},
		"HEAD":                   {"HEAD / HTTP/1.1\r\n" + host + "\r\n", (*Request).Head},
		"an unknown method":      {"QUERY / HTTP/1.1\r\n" + host + "\r\n", func(r *Request) bool { return string(r.Method) == "QUERY" }},
		"a lower-case method":    {"get / HTTP/1.1\r\n" + host + "\r\n", func(r *Request) bool { return string(r.Method) == "get" }},
		"obs-text in a value":    {"GET / HTTP/1.1\r\n" + host + "A: \xe9t\xe9\r\n\r\n", func(r *Request) bool { return string(r.Get("a")) == "\xe9t\xe9" }},
		"an empty value":         {"GET / HTTP/1.1\r\n" + host + "A:\r\n\r\n", func(r *Request) bool { return len(r.Get("a")) == 0 }},
		"a tab in a value":       {"GET / HTTP/1.1\r\n" + host + "A: b\tc\r\n\r\n", func(r *Request) bool { return string(r.Get("a")) == "b\tc" }},
		"a colon in a value":     {"GET / HTTP/1.1\r\n" + host + "A: b:c\r\n\r\n", func(r *Request) bool { return string(r.Get("a")) == "b:c" }},
		"HTTP/1.0":               {"GET / HTTP/1.0\r\n\r\n", func(r *Request) bool { return r.Minor == 0 && r.Host == nil && !r.Persistent() }},
		"HTTP/1.0 kept":          {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", func(r *Request) bool { return r.Persistent() }},
		"close":                  {"GET / HTTP/1.1\r\n" + host + "Connection: x , Close\r\n\r\n", func(r *Request) bool { return r.Close && !r.Persistent() }},
		"close beats keep-alive": {"GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", func(r *Request) bool { return !r.Persistent() }},
		"expectation":            {"POST / HTTP/1.1\r\n" + host + "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n", func(r *Request) bool { return r.Expect }},
		"expectation in 1.0":     {"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", func(r *Request) bool { return !r.Expect }},
		"trailers":               {"GET / HTTP/1.1\r\n" + host + "TE: deflate;q=0.5, trailers\r\n\r\n", func(r *Request) bool { return r.Trailers }},
		"other TE":               {"GET / HTTP/1.1\r\n" + host + "TE: deflate\r\n\r\n", func(r *Request) bool { return !r.Trailers }},
	} {
		t.Run(name, func(t *testing.T) {
			assert.True(t, c.check(parse(t, c.head)))
		})
	}
}

func TestUpgradeCountsOnlyWhereConnectionNamesIt(t *testing.T) {
	const line = "GET / HTTP/1.1\r\nHost: a.test\r\n"
	for fields, want := range map[string]string{
		"Upgrade: websocket\r\nConnection: Upgrade\r\n":             "websocket",
		"Connection: keep-alive, upgrade\r\nUpgrade: WebSocket\r\n": "WebSocket",
		"Upgrade: websocket\r\n":                                    "",
		"Upgrade: websocket\r\nConnection: close\r\n":               "",
		"Connection: upgrade\r\n":                                   "",
		"Upgrade: h2c\r\nConnection: upgrade\r\n":                   "",
		"Upgrade: websocket, H2C\r\nConnection: upgrade\r\n":        "",
		"Upgrade: Http/2.0\r\nConnection: upgrade\r\n":              "",
		"Upgrade: h2\r\nConnection: upgrade\r\n":                    "",
	} {
		assert.Equal(t, want, string(parse(t, line+fields+"\r\n").Upgrade), fields)
	}
	assert.Nil(t, parse(t, "GET / HTTP/1.0\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n").Upgrade, "HTTP/1.0 cannot switch")
}

// A request may remove what it brought, and nothing that a proxy or the
// endpoint relies on.
func TestFieldsNamedInConnection(t *testing.T) {
	r := parse(t, "GET / HTTP/1.1\r\nHost: a.test\r\nX-Private: 1\r\nx-private: 2\r\nX-Forwarded-For: 10.0.0.1\r\n"+
		"X-Kept: 3\r\nConnection: X-Private, host, x-forwarded-for, close\r\nAfter: 4\r\nConnection: after\r\n\r\n")
	kinds := map[string]Kind{}
	for _, f := range r.Fields {
		kinds[string(f.Name)] = f.Kind
	}
	assert.Equal(t, map[string]Kind{
		"Host": Host, "X-Private": Hop, "x-private": Hop, "X-Forwarded-For": ForwardedFor,
		"X-Kept": End, "Connection": Connection, "After": Hop,
	}, kinds)
	assert.True(t, r.Close)
	assert.Equal(t, "a.test", string(r.Host))
}

func TestForwardingLookalikes(t *testing.T) {
	r := parse(t, "GET / HTTP/1.1\r\nHost: a.test\r\nX_Forwarded_For: 1\r\nX-Forwarded_Proto: 2\r\nx_forwarded-host: 3\r\nX_Other: 4\r\n"+
		"X_Real_IP: 5\r\nX_FORWARDED_USER: 6\r\nX_Forwarded_For_"+strings.Repeat("x", 40)+": 7\r\nX_Forwardedness: 8\r\n\r\n")
	for i, want := range []Kind{Host, Forwarded, Forwarded, Forwarded, End, Forwarded, Forwarded, Forwarded, End} {
		assert.Equal(t, want, r.Fields[i].Kind, string(r.Fields[i].Name))
	}
}

// One value serves many requests: nothing of one may show in the next.
func TestRequestIsReusable(t *testing.T) {
	var r Request
	require.Nil(t, r.Parse([]byte("POST http://a.test/x?y HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n"+
		"TE: trailers\r\nConnection: close, upgrade, z\r\nZ: 1\r\nUpgrade: websocket\r\n\r\n")))
	require.Same(t, TwoHosts, r.Parse([]byte("GET / HTTP/1.1\r\nHost: b\r\nHost: b\r\n\r\n")))
	require.Nil(t, r.Parse([]byte("GET /n HTTP/1.0\r\n\r\n")))
	assert.Equal(t, Request{
		message: message{ContentLength: -1, Fields: []Field{}},
		Method:  []byte("GET"), Target: []byte("/n"), Path: []byte("/n"),
	}, r)
}

// TestGlimpse: what a refused request asked for is told by however much of it has come.
func TestGlimpse(t *testing.T) {
	for begins, want := range map[string][2]string{
		"":                                      {},
		"GET":                                   {},
		"\x16\x03\x01 /x HTTP/1.1\r\n":          {},
		" /x":                                   {},
		"GET ":                                  {"GET"},
		"GET /v1/mess":                          {"GET", "/v1/mess"},
		"GET /v1/messages?a=/b":                 {"GET", "/v1/messages"},
		"POST /x HTTP/1.0\r\nA: b":              {"POST", "/x"},
		"PRI * HTTP/2.0\r\n":                    {"PRI"},
		"GET http://a.test/x?y HTTP/1.1\n":      {"GET", "/x"},
		"GET http://a.test HTTP/1.1\r\n":        {"GET"},
		"OPTIONS a:80 HTTP/1.1\r\nHost: /a\r\n": {"OPTIONS"},
	} {
		var r Request
		r.Glimpse([]byte(begins))
		assert.Equal(t, want, [2]string{string(r.Method), string(r.Path)}, "%q", begins)
		assert.Equal(t, !strings.Contains(begins, "/1.0"), r.Minor == 1, "%q", begins)
	}
}
