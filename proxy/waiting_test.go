package proxy_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/proxy/retry"
)

const waitComment = ": waiting\n\n"

// streamTo asks for a stream at that path.
func streamTo(path string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x.test\r\nAccept-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", path, len(chatBody), chatBody)
}

// commenting is a gateway whose endpoints have one slot each, and which sends comments to streams that wait.
func commenting() settings {
	s := queueing(10)
	s.upstream.Keepalive = soon
	return s
}

// busy gives the only slot of the pool to a request.
func busy(t *testing.T, g *gateway, p *puppet) (client, server *peer) {
	t.Helper()
	client = dial(t, g)
	client.send(get)
	return client, asked(t, p)
}

// waits sends a request for a stream, and returns its client when that has had a comment.
func waits(t *testing.T, g *gateway, request string) *peer {
	t.Helper()
	client := dial(t, g)
	client.send(request)
	head := client.head()
	require.True(t, strings.HasPrefix(head, "HTTP/1.1 200 OK\r\n"), head)
	require.Contains(t, head, "Content-Type: text/event-stream\r\n")
	require.Contains(t, head, "Transfer-Encoding: chunked\r\n")
	require.Contains(t, head, "X-Request-Id: ")
	client.expect(chunk(waitComment))
	return client
}

// told reads a chunked body to its proper end, and returns it without the comments.
func (p *peer) told() string {
	p.t.Helper()
	body, err := io.ReadAll(unchunk(p))
	require.NoError(p.t, err)
	p.expect("\r\n")
	return strings.ReplaceAll(string(body), waitComment, "")
}

// accessOf waits for the only line of the access log with that path.
func (g *gateway) accessOf(t *testing.T, path string) map[string]any {
	t.Helper()
	eventually(t, "the line of "+path, func() bool { return g.accessed.FilterField(zap.String("path", path)).Len() == 1 })
	return g.accessed.FilterField(zap.String("path", path)).All()[0].ContextMap()
}

// freed ends the request that has the slot.
func freed(client, server *peer) {
	server.send(plain("one"))
	client.answer()
}

func TestStreamsThatWaitGetComments(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, commenting(), p.address)
	first, server := busy(t, g, p)
	second := waits(t, g, streamTo("/v1/chat/completions"))
	second.expect(chunk(waitComment) + chunk(waitComment))
	freed(first, server)
	r, body := server.requestWhole()
	require.Equal(t, chatBody, body)
	require.Empty(t, r.Header.Get("Accept-Encoding"), "the head that the client has says nothing of a coding")
	server.send(streamHead + chunk(delta("a", "one")) + chunk("data: [DONE]\n\n") + "0\r\nX-Sum: 7\r\n\r\n")
	chunked, err := io.ReadAll(unchunk(second))
	require.NoError(t, err)
	require.Equal(t, delta("a", "one")+"data: [DONE]\n\n", strings.ReplaceAll(string(chunked), waitComment, ""))
	second.expect("X-Sum: 7\r\n\r\n")
	second.send(get)
	server.request()
	server.send(plain("next"))
	_, body = second.answer()
	require.Equal(t, "next", body, "the connection is as good as before")
	for _, e := range g.endings(t, 3) {
		require.Equal(t, ending{path: e.path, endpoint: "a", status: 200}, e)
	}
	require.Equal(t, 1, g.count(t, "steelyard_queue_streams_begun_total"))
	require.Equal(t, 3, g.count(t, "steelyard_requests_total", "code", "2xx"))
}

// What cannot take comments gets its answer as it always did, and one that is no stream nothing before it.
func TestOthersThatWaitGetNone(t *testing.T) {
	for name, request := range map[string]string{
		"no body":         get,
		"no stream":       strings.Replace(streamTo("/v1/chat/completions"), "true", "null", 1),
		"broken":          strings.Replace(streamTo("/v1/chat/completions"), `"max_tokens":9}`, `"max_tokens":9 `, 1),
		"HTTP/1.0":        strings.Replace(streamTo("/v1/chat/completions"), "HTTP/1.1", "HTTP/1.0", 1),
		"lines of JSON":   streamTo("/api/chat"),
		"a HEAD":          strings.Replace(streamTo("/v1/chat/completions"), "POST", "HEAD", 1),
		"not switched on": "",
	} {
		t.Run(name, func(t *testing.T) {
			p := newPuppet(t)
			s := commenting()
			if request == "" {
				s.upstream.Keepalive = 0
				request = streamTo("/v1/chat/completions")
			}
			g := serve(t, s, p.address)
			first, server := busy(t, g, p)
			second := dial(t, g)
			second.send(request)
			g.waiting(t, 1)
			if s.upstream.Keepalive > 0 {
				waits(t, g, streamTo("/v1/messages")).expect(chunk(waitComment)) // whoever came later has had two by now
			}
			freed(first, server)
			server.requestWhole()
			server.send("HTTP/1.1 200 OK\r\nX-Plain: yes\r\nContent-Length: 0\r\n\r\n")
			require.Contains(t, second.head(), "X-Plain: yes")
		})
	}
}

// Whatever ends a wait that the client was told of is told by an event in the shape of its API, and the stream then ends as it should.
func TestWaitsThatFailEndWithAnEvent(t *testing.T) {
	shapes := map[string]func(code string) string{
		"/v1/chat/completions": func(code string) string { return `data: {"error":{"message":"` },
		"/v1/messages":         func(code string) string { return "event: error\ndata: " + `{"type":"error","error":{"type":"` },
	}
	endings := map[string]func(*testing.T, *gateway){
		"displaced": func(t *testing.T, g *gateway) {
			w, err := g.pool.Enqueue(&balancer.Request{Priority: 9})
			require.NoError(t, err)
			w.Poke()
			_, err = w.Wait()
			require.Error(t, err)
		},
		"shutting_down": func(t *testing.T, g *gateway) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			go func() { _ = g.front.Shutdown(ctx) }()
		},
		"queue_timeout": nil,
	}
	for path, shape := range shapes {
		for code, end := range endings {
			t.Run(code+path, func(t *testing.T) {
				t.Parallel()
				p := newPuppet(t)
				s := commenting()
				s.queue.MaxRequests = 1
				if end == nil {
					s.upstream.Keepalive, s.queue.MaxWait = time.Millisecond, 6*time.Second
				}
				g := serve(t, s, p.address)
				_, server := busy(t, g, p)
				client := waits(t, g, streamTo(path))
				if end != nil {
					end(t, g)
				}
				event := client.told()
				require.True(t, strings.HasPrefix(event, shape(code)), event)
				require.Contains(t, event, code)
				require.True(t, strings.HasSuffix(event, "}\n\n"), event)
				require.NotContains(t, event, "DONE")
				line := g.logged.FilterMessage("request failed")
				eventually(t, "the failure to be logged", func() bool { line = g.logged.FilterMessage("request failed"); return line.Len() > 0 })
				require.Equal(t, code, line.All()[0].ContextMap()["code"])
				require.False(t, line.All()[0].ContextMap()["cut"].(bool))
				seen := g.accessOf(t, path)
				require.EqualValues(t, 200, seen["status"], "what the client got")
				require.EqualValues(t, 503, seen["told"], "what it was told")
				require.Equal(t, code, seen["code"])
				require.Equal(t, 1, g.count(t, "steelyard_requests_total", "endpoint", "", "code", "5xx"))
				require.Positive(t, g.count(t, "steelyard_failures_total", "code", code))
				require.Zero(t, g.count(t, "steelyard_truncated_answers_total"))
				server.close()
			})
		}
	}
}

// An answer that cannot follow the comments is told by an event, too: in the endpoint's own words where they have the API's shape.
func TestAnswersThatAreNoStreamEndAWait(t *testing.T) {
	own := "{\n \"error\": {\"message\": \"no such model\",\n \"type\": \"x\"}}"
	for name, c := range map[string]struct {
		path, answer, event string
		told                int
		class               string
	}{
		"an error that is none": {"/v1/chat/completions", "400 null", `data: {"error":{"message":"endpoint a: it answered 400: {\"error\": null}"`, 400, "4xx"},
		"an error":              {"/v1/chat/completions", "404 Not Found", `data: {"error":{"message":"no such model","type":"x"}}`, 404, "4xx"},
		"of another API":        {"/v1/messages", "404 Not Found", "event: error\ndata: " + `{"type":"error","error":{"type":"not_found_error","message":"endpoint a: it answered 404: {`, 404, "4xx"},
		"a failure":             {"/v1/chat/completions", "500 Oops", `data: {"error":{"message":"no such model"`, 500, "5xx"},
		"compressed":            {"/v1/chat/completions", "400 Bad\r\nContent-Encoding: br", `data: {"error":{"message":"endpoint a: it answered 400","type":"upstream_error","param":null,"code":"answered_400"}}`, 400, "4xx"},
		"a whole answer":        {"/v1/chat/completions", "200 OK\r\nContent-Type: application/json", `data: {"error":{"message":"endpoint a: `, 502, "5xx"},
		"a compressed stream":   {"/v1/chat/completions", "200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip", `data: {"error":{"message":"endpoint a: `, 502, "5xx"},
		"nothing to tell with":  {"/v1/chat/completions", "204 No Content", `data: {"error":{"message":"endpoint a: `, 502, "5xx"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPuppet(t)
			s := commenting()
			s.upstream.Retry.Statuses = retry.Statuses{}
			g := serve(t, s, p.address)
			first, server := busy(t, g, p)
			client := waits(t, g, streamTo(c.path))
			freed(first, server)
			server.requestWhole()
			switch {
			case strings.HasPrefix(c.answer, "204"):
				server.send("HTTP/1.1 " + c.answer + "\r\n\r\n")
			case strings.HasSuffix(c.answer, "null"):
				server.send("HTTP/1.1 " + c.answer + "\r\nContent-Length: 15\r\n\r\n{\"error\": null}")
			default:
				server.send(fmt.Sprintf("HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s", c.answer, len(own), own))
			}
			event := client.told()
			require.True(t, strings.HasPrefix(event, c.event), event)
			require.Equal(t, 1, strings.Count(event, "\n\n"), event)
			seen := g.accessOf(t, c.path)
			require.EqualValues(t, 200, seen["status"])
			require.EqualValues(t, c.told, seen["told"])
			require.Equal(t, 1, g.count(t, "steelyard_requests_total", "endpoint", "a", "code", c.class))
			require.Zero(t, g.count(t, "steelyard_truncated_answers_total"))
		})
	}
}

// A stream that is cut after its comments is cut for the client.
func TestCutAfterComments(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, commenting(), p.address)
	first, server := busy(t, g, p)
	client := waits(t, g, streamTo("/v1/chat/completions"))
	freed(first, server)
	server.requestWhole()
	server.send(streamHead + chunk("data: 1\n\n"))
	server.close()
	rest, _ := client.rest()
	rest = strings.ReplaceAll(rest, chunk(waitComment), "")
	require.True(t, strings.HasPrefix(rest, chunk("data: 1\n\n")), rest)
	require.Contains(t, rest, `data: {"error":`)
	require.NotContains(t, rest, "\r\n0\r\n\r\n")
	eventually(t, "that to be counted", func() bool { return g.count(t, "steelyard_truncated_answers_total") == 1 })
}

// A client that leaves while it waits frees its place at once, whether it has had comments or not.
func TestLeavingAfterComments(t *testing.T) {
	for name, leave := range map[string]func(*peer){"close": (*peer).close, "reset": (*peer).reset} {
		t.Run(name, func(t *testing.T) {
			p := newPuppet(t)
			g := serve(t, commenting(), p.address)
			_, server := busy(t, g, p)
			client := waits(t, g, streamTo("/v1/chat/completions"))
			leave(client)
			g.waiting(t, 0)
			g.clientLeft(t, "queue")
			server.close()
		})
	}
}

// A request that its endpoint does not take is tried elsewhere, though its client has had comments.
func TestRetryAfterComments(t *testing.T) {
	a, b := newPuppet(t), newPuppet(t)
	g := serve(t, commenting(), a.address, b.address)
	drained(t, g, "b", true)
	first, server := busy(t, g, a)
	client := waits(t, g, streamTo("/v1/chat/completions"))
	freed(first, server)
	server.requestWhole()
	drained(t, g, "b", false)
	server.send("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
	again := b.accept(t)
	again.requestWhole()
	again.send(streamHead + chunk("data: 1\n\n") + "0\r\n\r\n")
	require.Equal(t, "data: 1\n\n", client.told())
	require.Equal(t, 1, g.count(t, "steelyard_repeats_total", "endpoint", "a"))
}

// A stream that is cut and has to wait for another endpoint gets comments while it does.
func TestCommentsWhileAStreamIsTakenUp(t *testing.T) {
	a, b := newPuppet(t), newPuppet(t)
	s := commenting()
	s.upstream.Resume = true
	g := serve(t, s, a.address, b.address)
	drained(t, g, "a", true)
	first, other := busy(t, g, b)
	drained(t, g, "a", false)
	client := cutStreamWhileBusy(t, g, a, delta("a", "one"))
	client.expect(chunk(waitComment) + chunk(waitComment))
	freed(first, other)
	other.requestWhole()
	other.send(streamHead + chunk(delta("b", ", two")) + chunk("data: [DONE]\n\n") + "0\r\n\r\n")
	require.Equal(t, delta("a", ", two")+"data: [DONE]\n\n", client.told())
}

// cutStreamWhileBusy is cutStream where the other endpoint has no slot free.
func cutStreamWhileBusy(t *testing.T, g *gateway, a *puppet, said string) (client *peer) {
	t.Helper()
	client = dial(t, g)
	client.send(chatRequest(chatBody))
	up := asked(t, a)
	up.send(streamHead + chunk(said))
	require.Contains(t, client.head(), "Transfer-Encoding: chunked")
	client.expect(chunk(said))
	up.close()
	return client
}

// Drifting clients, comments and answers: when all have ended nothing is in flight, which rests sees to.
func TestNothingDriftsWithComments(t *testing.T) {
	d := newDice(11, 1)
	s := commenting()
	s.upstream.Keepalive = time.Millisecond
	g := serve(t, s, whim(t, newDice(11, 2)))
	eventually(t, "streams to be begun", func() bool {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 25 {
					erraticWith(g.address, d, streamTo("/v1/chat/completions"))
				}
			})
		}
		all.Wait()
		return g.count(t, "steelyard_queue_streams_begun_total") > 0
	})
}
