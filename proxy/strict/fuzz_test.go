package strict

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"
)

// FuzzRequest: what is accepted means the same when it is written anew from what
// was parsed, and net/http, where it accepts the request too, sees the same one.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		typicalRequest,
		"GET http://a.test/x?y HTTP/1.0\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nMax-Forwards: 0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\nTE: trailers\r\nConnection: te\r\n\r\n",
		"GET /v1/models/Qwen%2FQwen2.5 HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nConnection: x-a, close\r\nX_Forwarded_For: 1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET /../ HTTP/1.1\r\nHost: a\nB : c\r\n d\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, head []byte) {
		var r Request
		if r.Parse(head) != nil {
			return
		}
		if end := HeadEnd(head); end < 0 {
			t.Fatalf("accepted a head without an end: %q", head)
		}
		if refusal := new(Search).Doomed(head[:HeadEnd(head)]); refusal != nil {
			t.Fatalf("accepted, but doomed as %s", refusal.Code)
		}
		again := emit(&r)
		var r2 Request
		if refusal := r2.Parse(again); refusal != nil {
			t.Fatalf("written anew as %q it is refused: %s", again, refusal.Code)
		}
		sameRequest(t, &r, &r2)
		sameAsStandardLibrary(t, head, &r)
	})
}

// emit writes a request from what was parsed, as HTTP/1.1.
func emit(r *Request) []byte {
	var b bytes.Buffer
	b.WriteString(string(r.Method) + " " + string(r.Target) + " HTTP/1.1\r\n")
	hosted := false
	for i := range r.Fields {
		f := &r.Fields[i]
		hosted = hosted || f.Kind == Host
		b.WriteString(string(f.Name) + ": " + string(f.Value) + "\r\n")
	}
	if !hosted {
		b.WriteString("Host: " + string(r.Host) + "\r\n")
		if r.Host == nil {
			b.Truncate(b.Len() - 2)
			b.WriteString("any\r\n")
		}
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

func sameRequest(t *testing.T, a, b *Request) {
	for what, same := range map[string]bool{
		"method":         bytes.Equal(a.Method, b.Method),
		"target":         bytes.Equal(a.Target, b.Target),
		"path":           bytes.Equal(a.Path, b.Path),
		"host":           bytes.Equal(a.Host, b.Host) || a.Host == nil,
		"content length": a.ContentLength == b.ContentLength,
		"coding":         a.Chunked == b.Chunked,
		"close":          a.Close == b.Close,
		"keep-alive":     a.KeepAlive == b.KeepAlive,
		"trailers":       a.Trailers == b.Trailers,
		"expectation":    a.Expect == b.Expect || a.Minor == 0,
		"upgrade":        bytes.Equal(a.Upgrade, b.Upgrade) || a.Minor == 0,
		"fields":         len(a.Fields) == len(b.Fields) || a.Get("host") == nil,
	} {
		if !same {
			t.Errorf("another %s: %+v and %+v", what, a, b)
		}
	}
	for i := range a.Fields {
		x, y := &a.Fields[i], &b.Fields[i]
		if !bytes.Equal(x.Name, y.Name) || !bytes.Equal(x.Value, y.Value) || x.Kind != y.Kind {
			t.Errorf("field %d differs: %q %q %d, %q %q %d", i, x.Name, x.Value, x.Kind, y.Name, y.Value, y.Kind)
		}
	}
}

func sameAsStandardLibrary(t *testing.T, head []byte, r *Request) {
	h, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		return // it refuses some targets that mean nothing to a proxy
	}
	coding := ""
	if r.Chunked {
		coding = "chunked"
	}
	length := max(r.ContentLength, 0)
	if r.Chunked {
		length = -1
	}
	for what, same := range map[string]bool{
		"method":         h.Method == string(r.Method),
		"target":         r.Absolute || h.RequestURI == string(r.Target),
		"host":           strings.EqualFold(h.Host, string(r.Host)),
		"content length": h.ContentLength == length,
		"coding":         strings.Join(h.TransferEncoding, ",") == coding,
		"version":        h.ProtoMajor == 1 && h.ProtoMinor == r.Minor,
	} {
		if !same {
			t.Errorf("net/http reads another %s: %+v, ours %+v", what, h, r)
		}
	}
}

// FuzzAnswer: what is accepted means the same when it is written anew.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		typicalAnswer,
		"HTTP/1.0 200\r\n\r\n",
		"HTTP/1.1 101 Switching\r\nUpgrade : websocket\r\nConnection: upgrade\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\nConnection: close, x\r\nX: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, head []byte) {
		var a, b Answer
		if a.Parse(head) != nil {
			return
		}
		again := append([]byte("HTTP/1."), byte('0'+a.Minor), ' ', byte('0'+a.Status/100), byte('0'+a.Status/10%10), byte('0'+a.Status%10), ' ')
		again = append(append(again, a.Reason...), "\r\n"...)
		for i := range a.Fields {
			again = append(append(again, a.Fields[i].Name...), ": "...)
			again = append(append(again, a.Fields[i].Value...), "\r\n"...)
		}
		if err := b.Parse(append(again, "\r\n"...)); err != nil {
			t.Fatalf("written anew as %q it is refused: %v", again, err)
		}
		if a.Status != b.Status || !bytes.Equal(a.Reason, b.Reason) || a.ContentLength != b.ContentLength || a.Chunked != b.Chunked ||
			a.Persistent() != b.Persistent() || !bytes.Equal(a.Upgrade, b.Upgrade) || len(a.Fields) != len(b.Fields) {
			t.Fatalf("%+v became %+v", a, b)
		}
		for i := range a.Fields {
			if a.Fields[i].Kind != b.Fields[i].Kind {
				t.Fatalf("field %q changed its kind", a.Fields[i].Name)
			}
		}
	})
}

// FuzzChunked: the way the input is split changes nothing, and of what is
// accepted the standard library reads the same data.
func FuzzChunked(f *testing.F) {
	for _, seed := range []string{
		"5\r\nhello\r\n0\r\n\r\nGET",
		"A;x=\"y\"\r\n0123456789\r\n1\r\nx\r\n0\r\nX-A: b\r\nHost: c\r\n\r\n",
		"5\nhello\n0\n\n",
		"FFFFFFFFFFFFFFFF\r\n",
	} {
		f.Add([]byte(seed), uint64(1), false)
	}
	f.Fuzz(func(t *testing.T, wire []byte, seed uint64, drop bool) {
		whole := decode(&Chunked{DropForbidden: drop}, wire)
		split := decode(&Chunked{DropForbidden: drop}, cut(wire, seed)...)
		if whole.data != split.data || whole.err != split.err || whole.ended != split.ended || whole.trailer != split.trailer {
			t.Fatalf("whole %+v, split %+v", whole, split)
		}
		if whole.err == nil && whole.used != split.used {
			t.Fatalf("whole used %d, split %d", whole.used, split.used)
		}
		if !whole.ended || whole.err != nil {
			return
		}
		data, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(wire)))
		if err != nil && tolerable(err) {
			return
		}
		if err != nil || string(data) != whole.data {
			t.Fatalf("the standard library reads %q, %v; we read %q", data, err, whole.data)
		}
	})
}

// tolerable errors of the standard library are about amounts, not about meaning.
func tolerable(err error) bool {
	return strings.Contains(err.Error(), "too much non-data") || strings.Contains(err.Error(), "too long") || errors.Is(err, io.ErrShortBuffer)
}

// cut splits b into pieces of one to eight bytes.
func cut(b []byte, seed uint64) (pieces [][]byte) {
	r := rand.New(rand.NewPCG(seed, seed))
	for len(b) > 0 {
		n := min(1+r.IntN(8), len(b))
		pieces = append(pieces, b[:n])
		b = b[n:]
	}
	return pieces
}
