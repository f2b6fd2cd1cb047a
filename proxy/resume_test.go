package proxy_test

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/proxy/retry"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

const chatBody = `{"model":"m","messages":[{"role":"user","content":"count"}],"stream":true,"max_tokens":9}`

func chatRequest(body string) string {
	return fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: x.test\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// delta is an event of a chat.
func delta(id, content string) string {
	return fmt.Sprintf(`data: {"choices":[{"delta":{"content":%q},"finish_reason":null,"index":0}],"id":%q}`, content, id) + "\n\n"
}

const roleEvent = `data: {"choices":[{"delta":{"role":"assistant","content":""},"index":0}],"id":"b"}` + "\n\n"

// resuming is a gateway whose streams are taken up elsewhere.
func resuming() settings {
	s := defaults()
	s.upstream.Resume = true
	s.upstream.Retry = retry.Default()
	return s
}

// drained switches the operator's condition of an endpoint.
func drained(t *testing.T, g *gateway, name string, on bool) {
	t.Helper()
	_, err := g.pool.SetCondition(name, balancer.Draining, on, "")
	require.NoError(t, err)
}

// cutStream brings a chat to endpoint a, which says a part of it and ends its connection.
func cutStream(t *testing.T, g *gateway, a *puppet, body, said string) (client *peer) {
	t.Helper()
	drained(t, g, "b", true)
	client = dial(t, g)
	client.send(chatRequest(body))
	up := asked(t, a)
	drained(t, g, "b", false)
	up.send(streamHead + chunk(said))
	require.Contains(t, client.head(), "Transfer-Encoding: chunked")
	client.expect(chunk(said))
	up.send(chunk("data: {\"cho"))
	up.close()
	return client
}

// A stream that is cut goes on from another endpoint, which is told what was said; the client sees one.
func TestCutStreamIsTakenUp(t *testing.T) {
	a, b := newPuppet(t), newPuppet(t)
	g := serve(t, resuming(), a.address, b.address)
	client := cutStream(t, g, a, chatBody, delta("a", "one, ")+delta("a", "two"))
	next := b.accept(t)
	r := next.request()
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	var rest struct {
		Messages []struct{ Role, Content string }
		Max      int  `json:"max_tokens"`
		Final    bool `json:"continue_final_message"`
	}
	require.NoError(t, json.Unmarshal(body, &rest), "%s", body)
	require.Equal(t, "one, two", rest.Messages[1].Content)
	require.Equal(t, 7, rest.Max)
	require.True(t, rest.Final)
	next.send(streamHead + chunk(roleEvent) + chunk(delta("b", ", three")) + chunk("data: [DONE]\n\n") + "0\r\n\r\n")
	client.expect(chunk(": resumed\n\n") + chunk(delta("a", ", three")) + chunk("data: [DONE]\n\n") + "0\r\n\r\n")
	drained(t, g, "a", true)
	client.send(get) // the connection is as good as ever
	next.request()
	next.send(plain("next"))
	_, text := client.answer()
	require.Equal(t, "next", text)
	eventually(t, "both to be counted", func() bool {
		return g.count(t, "steelyard_requests_total", "endpoint", "b", "code", "2xx") == 2
	})
	require.Equal(t, 1, g.count(t, "steelyard_repeats_total", "endpoint", "a", "reason", "cut"))
}

// Where requests are not to be done twice, the rest of a stream is asked for all the same: that is another
// request, and resume asks for it.
func TestRestIsNotTheRequestDoneTwice(t *testing.T) {
	a, b := newPuppet(t), newPuppet(t)
	s := resuming()
	s.upstream.Retry.Idempotent = retry.ByMethod
	g := serve(t, s, a.address, b.address)
	client := cutStream(t, g, a, chatBody, delta("a", "one"))
	next := asked(t, b)
	next.send(streamHead + chunk(delta("b", " two")) + "0\r\n\r\n")
	client.expect(chunk(delta("a", " two")) + "0\r\n\r\n")
}

// The text that is followed counts as memory of bodies. Where there is none for it the stream is passed on, and not
// taken up.
func TestFollowedTextCountsAsBodyMemory(t *testing.T) {
	said := delta("a", strings.Repeat("x", 40_000))
	for memory, want := range map[int64]bool{1 << 20: true, 64 << 10: false} {
		a, b := newPuppet(t), newPuppet(t)
		s := resuming()
		s.generation.BodyMemory = memory
		g := serve(t, s, a.address, b.address)
		client := cutStream(t, g, a, chatBody, said)
		if want {
			next := asked(t, b)
			require.Greater(t, g.handler.HeldBytes(), int64(64<<10))
			next.send(streamHead + chunk(delta("b", " two")) + "0\r\n\r\n")
			client.expect(chunk(delta("a", " two")) + "0\r\n\r\n")
		} else {
			end, _ := client.rest()
			require.Contains(t, end, "truncated_answer")
			require.True(t, b.idle())
		}
		eventually(t, "all memory to be given back", func() bool { return g.handler.HeldBytes() == 0 })
	}
}

// What cannot be taken up ends as it would without: with an error event and a broken end.
func TestNotTakenUp(t *testing.T) {
	refuse := func(t *testing.T, b *puppet) {
		asked(t, b).send("HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno")
	}
	for name, c := range map[string]struct {
		set  func(*settings)
		body string
		said string
		next func(*testing.T, *puppet) // what the other endpoint does; nil: it is not asked
	}{
		"switched off":      {set: func(s *settings) { s.upstream.Resume = false }},
		"retries are off":   {set: func(s *settings) { s.upstream.Retry.Attempts = 1 }},
		"a tool is called":  {said: `data: {"id":"a","choices":[{"index":0,"delta":{"tool_calls":[{"id":"t"}]}}]}` + "\n\n"},
		"several choices":   {body: strings.Replace(chatBody, `"model"`, `"n":2,"model"`, 1)},
		"it has no way":     {next: refuse},
		"no stream comes":   {next: func(t *testing.T, b *puppet) { asked(t, b).send(plain("text")) }},
		"the other is gone": {next: func(t *testing.T, b *puppet) { asked(t, b).close() }},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := newPuppet(t), newPuppet(t)
			s := resuming()
			if c.set != nil {
				c.set(&s)
			}
			if c.body == "" {
				c.body = chatBody
			}
			if c.said == "" {
				c.said = delta("a", "one")
			}
			g := serve(t, s, a.address, b.address)
			client := cutStream(t, g, a, c.body, c.said)
			if c.next != nil {
				c.next(t, b)
			}
			end, _ := client.rest()
			require.Contains(t, end, `"code":"truncated_answer"`)
			require.Contains(t, end, "endpoint a:")
			require.NotContains(t, end, "0\r\n\r\n", "the end is broken")
			if c.next == nil {
				require.True(t, b.idle())
			}
			eventually(t, "the cut to be counted", func() bool { return g.count(t, "steelyard_failures_total", "code", "truncated_answer") == 1 })
		})
	}
}

// Where one cannot be reached, the next is asked for the rest. Each is paid for as a retry.
func TestNextIsAskedForTheRest(t *testing.T) {
	a, c := newPuppet(t), newPuppet(t)
	s := resuming()
	s.capacities = []float64{100, 100, 1e-9}
	g := serve(t, s, a.address, refusing(t), c.address)
	client := cutStream(t, g, a, chatBody, delta("a", "one"))
	next := c.accept(t)
	next.request()
	_, retries, failed := s.upstream.Budget.Counts(wire.Now())
	require.EqualValues(t, 2, retries)
	require.EqualValues(t, 1, failed)
	next.send(streamHead + chunk(delta("c", " two")) + "0\r\n\r\n")
	client.expect(chunk(delta("a", " two")) + "0\r\n\r\n")
}

// A stream that two servers broke off in the midst of goes to no third: they may have died of it.
func TestStreamOfPoisonStopsAtTwo(t *testing.T) {
	a, b, c := newPuppet(t), newPuppet(t), newPuppet(t)
	s := resuming()
	s.capacities = []float64{100, 100, 1e-9}
	g := serve(t, s, a.address, b.address, c.address)
	client := cutStream(t, g, a, chatBody, delta("a", "one"))
	second := asked(t, b)
	second.send(streamHead + chunk(delta("b", " two")))
	client.expect(chunk(delta("a", " two")))
	second.close()
	end, _ := client.rest()
	require.Contains(t, end, `"code":"truncated_answer"`)
	require.True(t, c.idle())
	r, body := dial(t, g).ask(chatRequest(chatBody))
	require.Equal(t, 502, r.StatusCode)
	require.Contains(t, body, `"code":"poisoned"`)
	require.True(t, c.idle())
}

// An interim answer of the next endpoint would lie in the midst of the stream.
func TestNoInterimAnswerInAStream(t *testing.T) {
	a, b := newPuppet(t), newPuppet(t)
	g := serve(t, resuming(), a.address, b.address)
	client := cutStream(t, g, a, chatBody, delta("a", "one"))
	next := asked(t, b)
	next.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + streamHead + chunk(delta("b", " two")) + "0\r\n\r\n")
	client.expect(chunk(delta("a", " two")) + "0\r\n\r\n")
}

// A client that leaves while the rest is waited for ends that, too.
func TestClientLeavesBeforeTheRest(t *testing.T) {
	a, b := newPuppet(t), newPuppet(t)
	g := serve(t, resuming(), a.address, b.address)
	client := cutStream(t, g, a, chatBody, delta("a", "one"))
	next := asked(t, b)
	client.close()
	next.ends()
	require.Equal(t, 0, g.count(t, "steelyard_failures_total", "code", "truncated_answer"))
}
