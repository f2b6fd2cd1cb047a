package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest/observer"
)

// to is a POST to a path.
func to(path, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x.test\r\nX-Request-Id: mine-7\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}

// cutting is an endpoint that begins an answer of this type and is gone.
func cutting(t *testing.T, contentType, beginning string) string {
	return endpoint(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err != nil {
			return
		}
		_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", contentType, len(beginning), beginning)
	})
}

// An error has the shape of the API that was called, since its clients read no other.
func TestErrorsHaveTheShapeOfTheAPI(t *testing.T) {
	s := defaults()
	s.generation.BodyBytes = 10
	const gone = "endpoint a: closed the connection before it answered"
	const large = "the body is larger than limits.body_bytes"
	openAI := func(kind, code, message string) string {
		return fmt.Sprintf(`{"error":{"message":%q,"type":%q,"param":null,"code":%q}}`, message, kind, code)
	}
	anthropic := func(kind, message string) string {
		return fmt.Sprintf(`{"type":"error","error":{"type":%q,"message":%q},"request_id":"mine-7"}`, kind, message)
	}
	for _, c := range []struct{ path, gone, large string }{
		{"/v1/chat/completions", openAI("upstream_error", "closed_before_answer", gone), openAI("invalid_request_error", "body_too_large", large)},
		{"/apiary", openAI("upstream_error", "closed_before_answer", gone), openAI("invalid_request_error", "body_too_large", large)},
		{"/v1/messagesx", openAI("upstream_error", "closed_before_answer", gone), openAI("invalid_request_error", "body_too_large", large)},
		{"/api/chat", `{"error":"` + gone + ` (closed_before_answer)"}`, `{"error":"` + large + ` (body_too_large)"}`},
		{"/api/generate?x=/v1/messages", `{"error":"` + gone + ` (closed_before_answer)"}`, `{"error":"` + large + ` (body_too_large)"}`},
		{"/v1/messages", anthropic("api_error", gone+" (closed_before_answer)"), anthropic("request_too_large", large+" (body_too_large)")},
		{"/anthropic/v1/messages/count_tokens", anthropic("api_error", gone+" (closed_before_answer)"), anthropic("request_too_large", large+" (body_too_large)")},
	} {
		g := serve(t, s, endpoint(t, func(_ net.Conn, br *bufio.Reader) { _, _ = http.ReadRequest(br) }))
		r, body := dial(t, g).ask(to(c.path, "{}"))
		require.Equal(t, 502, r.StatusCode)
		require.Equal(t, "application/json", r.Header.Get("Content-Type"))
		require.JSONEq(t, c.gone, body, c.path)
		require.Equal(t, []string{"mine-7"}, r.Header.Values("X-Request-Id"))
		require.Equal(t, strings.Contains(c.path, "/v1/messages") && !strings.Contains(c.path, "?") && !strings.HasSuffix(c.path, "x"), r.Header.Get("Request-Id") == "mine-7", c.path)
		r, body = dial(t, g).ask(to(c.path, "01234567890"))
		require.Equal(t, 413, r.StatusCode)
		require.JSONEq(t, c.large, body, c.path)
	}
}

// What the gate refuses has a path, as a rule, and so an API.
func TestRefusalsHaveTheShapeOfTheAPI(t *testing.T) {
	g := serve(t, defaults(), answering(t, plain("")))
	r, body := dial(t, g).ask("POST /api/chat HTTP/1.1\r\nHost: x.test\r\nHost: y.test\r\n\r\n")
	require.Equal(t, 400, r.StatusCode)
	require.JSONEq(t, `{"error":"there is more than one Host field (two_hosts)"}`, body)
	r, body = dial(t, g).ask("POST /v1/messages HTTP/1.1\r\n\r\n")
	require.Equal(t, 400, r.StatusCode)
	require.Contains(t, body, `{"type":"error","error":{"type":"invalid_request_error","message":"the Host field is missing (no_host)"},"request_id":"`)
}

// So has what is refused before its head is whole, as far as its first line tells.
func TestRefusalsOfHalfHeadsHaveTheShapeOfTheAPI(t *testing.T) {
	const openAI, ollama, anthropic = `{"error":{"message":"`, `{"error":"`, `{"type":"error","error":{"type":"`
	config, _ := pair()
	plain, secure, full := defaults(), defaults(), defaults()
	secure.tls = config
	full.front.Connections = 1
	long := strings.Repeat("x", 20<<10)
	for _, c := range []struct {
		s                 settings
		start, rest, code string
		status            int
	}{
		{plain, "", "A: " + long, "header_too_large", 431},
		{plain, "", "A b\n", "bad_line_end", 400},
		{plain, "?" + long, "", "target_too_long", 414},
		{secure, "", "Host: x.test\r\n\r\n", "plain_http_to_tls", 400},
		{full, "", "Host: x.test\r\n\r\n", "too_many_connections", 503},
	} {
		for path, shape := range map[string]string{
			"/v1/chat/completions": openAI, "/api/chat": ollama, "/v1/messages": anthropic, "http://x.test/v1/messages": anthropic, "/": openAI,
		} {
			t.Run(c.code+path, func(t *testing.T) {
				p := newPuppet(t)
				g := serve(t, c.s, p.address)
				if c.s.front.Connections == 1 { // and somebody has it
					begin(t, g, p, streamHead)
				}
				g.tls = nil
				client := dial(t, g)
				client.send("POST " + path + c.start)
				if c.start == "" {
					client.send(" HTTP/1.1\r\n" + c.rest)
				}
				r, body := client.answer()
				require.Equal(t, c.status, r.StatusCode)
				require.True(t, strings.HasPrefix(body, shape) && strings.Contains(body, c.code), body)
				require.Len(t, r.Header.Get("X-Request-Id"), 32)
				require.True(t, r.Close)
				eventually(t, "the path to be logged", func() bool {
					return slices.ContainsFunc(g.accessed.All(), func(e observer.LoggedEntry) bool {
						line := e.ContextMap()
						return line["request_id"] == r.Header.Get("X-Request-Id") && line["path"] == strings.TrimPrefix(path, "http://x.test") && line["method"] == "POST"
					})
				})
			})
		}
	}
}

// A stream that is cut ends with an event, or a line, in the same shape.
func TestCutStreamsEndInTheShapeOfTheAPI(t *testing.T) {
	const cut = "endpoint a: the answer was cut short: unexpected EOF"
	for _, c := range []struct{ path, contentType, beginning, want string }{
		{"/v1/chat/completions", "text/event-stream", "data: 1\n\n", `data: {"error":{"message":"` + cut + `","type":"upstream_error","param":null,"code":"truncated_answer"}}` + "\n\n"},
		{"/v1/messages", "text/event-stream", "event: ping\ndata: {}\n\n", "event: error\ndata: " + `{"type":"error","error":{"type":"api_error","message":"` + cut + ` (truncated_answer)"},"request_id":"mine-7"}` + "\n\n"},
		{"/v1/messages", "text/event-stream", "event: pi", "\n\nevent: error\ndata: " + `{"type":"error","error":{"type":"api_error","message":"` + cut + ` (truncated_answer)"},"request_id":"mine-7"}` + "\n\n"},
		{"/api/chat", "application/x-ndjson", "{}\n", `{"error":"` + cut + ` (truncated_answer)"}` + "\n"},
		{"/api/chat", "application/x-ndjson", `{"mess`, "\n" + `{"error":"` + cut + ` (truncated_answer)"}` + "\n"},
	} {
		client := dial(t, serve(t, defaults(), cutting(t, c.contentType, c.beginning)))
		client.send(to(c.path, "{}"))
		client.head()
		body, err := io.ReadAll(unchunk(client))
		require.Error(t, err, "the cut looks like an end")
		require.Equal(t, c.beginning+c.want, string(body), c.path)
	}
}

// One X-Request-Id stands for the request everywhere: in the answer, at the endpoint, in the
// logs. What an endpoint calls it is its own affair.
func TestEveryAnswerHasTheRequestID(t *testing.T) {
	for what, answer := range map[string]string{
		"success":        plain("ok"),
		"engine's error": "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
		"engine's own":   "HTTP/1.1 200 OK\r\nX-Request-Id: of-the-engine\r\nx-request-id: again\r\nContent-Length: 0\r\n\r\n",
		"no content":     "HTTP/1.1 204 No Content\r\n\r\n",
		"interim first":  "HTTP/1.1 103 Early Hints\r\nX-Request-Id: of-the-engine\r\n\r\n" + plain("ok"),
		"broken":         "HTTP/9\r\n\r\n",
	} {
		t.Run(what, func(t *testing.T) {
			g := serve(t, defaults(), answering(t, answer))
			client := dial(t, g)
			client.send(to("/", "{}"))
			head := client.head()
			if strings.Contains(head, " 103 ") {
				require.NotContains(t, head, "X-Request-Id")
				head = client.head()
			}
			require.Equal(t, 1, strings.Count(strings.ToLower(head), "x-request-id:"), head)
			require.Contains(t, head, "\r\nX-Request-Id: mine-7\r\n")
		})
	}
	g := serve(t, defaults(), answering(t, plain("ok")))
	r, _ := dial(t, g).ask(get)
	require.Len(t, r.Header.Get("X-Request-Id"), 32, "one is made where the client has none")
}

// Each failure is counted once, by code and by whose fault it was.
func TestFailuresAreCounted(t *testing.T) {
	one := func(g *gateway, code, source, upstream string) {
		t.Helper()
		eventually(t, "the failure to be counted", func() bool {
			return g.count(t, "steelyard_failures_total", "code", code, "source", source, "upstream", upstream) == 1
		})
		require.Equal(t, 1, g.count(t, "steelyard_failures_total"), "of all kinds")
	}
	g := serve(t, defaults(), answering(t, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"))
	dial(t, g).ask(get)
	one(g, "answered_5xx", "upstream", "chat")

	g = serve(t, defaults(), answering(t, "HTTP/9\r\n\r\n"))
	dial(t, g).ask(get)
	one(g, "bad_answer", "upstream", "chat")

	g = serve(t, defaults(), cutting(t, "text/event-stream", "data: 1\n\n"))
	client := dial(t, g)
	client.send(get)
	client.ends()
	one(g, "truncated_answer", "upstream", "chat")

	g = serve(t, defaults(), answering(t, plain("")))
	dial(t, g).ask("GET / HTTP/1.1\r\n\r\n")
	one(g, "no_host", "client", "")

	g = serve(t, defaults(), answering(t, plain("")))
	dial(t, g).ask(get)
	eventually(t, "the request to be counted", func() bool { return g.count(t, "steelyard_requests_total") == 1 })
	require.Zero(t, g.count(t, "steelyard_failures_total"))
}
