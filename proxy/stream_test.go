package proxy_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

// begin brings a stream to the point where its head has been sent.
func begin(t *testing.T, g *gateway, p *puppet, head string) (client, up *peer) {
	client = dial(t, g)
	client.send(get)
	up = p.accept(t)
	up.request()
	up.send(head)
	return client, up
}

func TestEachChunkPassesBeforeTheNextIsSent(t *testing.T) {
	for _, frame := range []string{"", "5\r\n"} { // the first frame may come with the head
		p := newPuppet(t)
		g := serve(t, defaults(), p.address)
		client, up := begin(t, g, p, streamHead+frame)
		require.Contains(t, client.head(), "Transfer-Encoding: chunked")
		up.send(strings.TrimPrefix("5\r\nhello\r\n", frame))
		client.expect("5\r\nhello\r\n")
		up.send("3\r\nabc")
		client.expect("3\r\nabc\r\n")
		up.send("\r\n0\r\nX-Sum: 7\r\n\r\n")
		client.expect("0\r\nX-Sum: 7\r\n\r\n")
	}
}

func TestCutStreamsEndWithAnError(t *testing.T) {
	for name, c := range map[string]struct{ kind, sent, want string }{
		"between events":      {"text/event-stream", "data: 1\n\n", `data: {"error":`},
		"inside an event":     {"text/event-stream", "data: 1", "\n\n" + `data: {"error":`},
		"ended by two pieces": {"text/event-stream", "data: 1\n|\n", `data: {"error":`},
		"after a lone line":   {"text/event-stream", "data: 1\n", "\n\n" + `data: {"error":`},
		"carriage returns":    {"text/event-stream; charset=utf-8", "data: 1\r\n\r\n", `data: {"error":`},
		"lines of JSON":       {"application/x-ndjson", "{}\n", `{"error":`},
		"inside a line":       {"application/x-ndjson", "{}", "\n" + `{"error":`},
		"anything else":       {"text/plain", "abc", ""},
		"a compressed event":  {"text/event-stream\r\nContent-Encoding: gzip", "abc", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPuppet(t)
			g := serve(t, defaults(), p.address)
			client, up := begin(t, g, p, strings.Replace(streamHead, "text/event-stream", c.kind, 1))
			client.head()
			for piece := range strings.SplitSeq(c.sent, "|") {
				up.send(chunk(piece))
				client.expect(chunk(piece))
			}
			up.close() // exactly between two chunks
			rest, _ := client.rest()
			require.NotContains(t, rest, "0\r\n\r\n")
			_, event, _ := strings.Cut(rest, "\r\n")
			require.True(t, strings.HasPrefix(event, c.want), "%q", rest)
			require.Equal(t, c.want == "", rest == "", "%q", rest)
			eventually(t, "that to be counted", func() bool { return g.count(t, "steelyard_truncated_answers_total") == 1 })
		})
	}
}

func TestShortAnswerIsShortForTheClient(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, defaults(), p.address)
	client, up := begin(t, g, p, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 10\r\n\r\nhello")
	require.Contains(t, client.head(), "Content-Length: 10")
	client.expect("hello")
	up.close()
	rest, _ := client.rest()
	require.Empty(t, rest, "a fixed length is never exceeded")
}

// The close is the end for HTTP/1.0: a cut must not look like one.
func TestCutIsAResetForHTTP10(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, defaults(), p.address)
	client := dial(t, g)
	client.send("GET / HTTP/1.0\r\n\r\n")
	up := p.accept(t)
	up.request()
	up.send(strings.Replace(streamHead, "event-stream", "plain", 1) + chunk("hello"))
	require.NotContains(t, client.head(), "Transfer-Encoding")
	client.expect("hello")
	up.close()
	_, err := client.rest()
	require.Error(t, err)
}

func TestInterimAnswersPass(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, defaults(), p.address)
	client, up := begin(t, g, p, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
	require.Contains(t, client.head(), "103 Early Hints\r\nLink: </x>\r\n")
	up.send(plain("done"))
	_, body := client.answer()
	require.Equal(t, "done", body)
}

// Of an answer that ends with its connection the close is the end, for a client
// of either version; a reset is not, and an HTTP/1.1 client sees the difference.
func TestAnswersThatEndWithTheirConnection(t *testing.T) {
	const head = "HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"
	for _, whole := range []bool{true, false} {
		p := newPuppet(t)
		g := serve(t, defaults(), p.address)
		client, up := begin(t, g, p, head)
		require.Contains(t, client.head(), "Transfer-Encoding: chunked")
		client.expect(chunk("data: 1\n\n"))
		if whole {
			up.close()
			client.expect("0\r\n\r\n")
			continue
		}
		up.reset()
		rest, _ := client.rest()
		require.Contains(t, rest, `"code":"truncated_answer"`)
		require.NotContains(t, rest, "0\r\n\r\n")
	}
}

// An answer of known length keeps it, and each piece still passes at once.
func TestFixedLengthIsNeverReframed(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, defaults(), p.address)
	client, up := begin(t, g, p, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 27\r\n\r\n")
	head := client.head()
	require.Contains(t, head, "Content-Length: 27\r\n")
	require.NotContains(t, head, "Transfer-Encoding")
	for range 3 {
		up.send("data: 1\n\n")
		client.expect("data: 1\n\n")
	}
	client.send(get) // the connection goes on
	up.request()
	up.send(plain("next"))
	_, body := client.answer()
	require.Equal(t, "next", body)
}

// The error of a cut stream is one that a client can read: the endpoint's name,
// no address, and the shape of an OpenAI error.
func TestErrorEventIsJSON(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, defaults(), p.address)
	client, up := begin(t, g, p, streamHead+chunk("data: {\"a\": 1"))
	client.head()
	client.expect(chunk("data: {\"a\": 1"))
	up.close()
	rest, _ := client.rest()
	_, event, found := strings.Cut(rest, "data: ")
	require.True(t, found, rest)
	line, _, _ := strings.Cut(event, "\n")
	var e struct {
		Error struct{ Message, Type, Code string }
	}
	require.NoError(t, json.Unmarshal([]byte(line), &e))
	require.Equal(t, "truncated_answer", e.Error.Code)
	require.Equal(t, "upstream_error", e.Error.Type)
	require.Contains(t, e.Error.Message, "endpoint a")
	require.NotContains(t, e.Error.Message, "127.0.0.1")
}
