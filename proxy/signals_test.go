package proxy_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// loadEar asks for the load of each request while due is set, and remembers what was said.
type loadEar struct {
	due  atomic.Bool
	said chan string
}

func (e *loadEar) Due() bool         { return e.due.Load() }
func (e *loadEar) Tell(value []byte) { e.said <- string(value) }

// TestLoadInAnswers: the load that an engine says with an answer is asked for when it is due, and is
// not the client's business unless it has asked itself.
func TestLoadInAnswers(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, defaults(), p.address)
	ear := &loadEar{said: make(chan string, 10)}
	g.targets[0].Hear(ear)
	c := dial(t, g)
	const load = "TEXT named_metrics.num_requests_waiting=3"
	const answer = "HTTP/1.1 200 OK\r\nEndpoint-Load-Metrics: " + load + "\r\nContent-Length: 2\r\n\r\nok"
	ask := func(request string) (sent http.Header, got string) {
		c.send(request)
		up := p.accept(t)
		sent = up.request().Header
		up.send(strings.Replace(answer, "Content-Length", "Connection: close\r\nContent-Length", 1))
		got = c.head()
		c.expect("ok")
		return sent, got
	}
	sent, got := ask(get)
	require.Empty(t, sent.Values("endpoint-load-metrics-format"))
	require.Contains(t, got, load, "it is passed on as it is")
	require.Empty(t, ear.said)

	ear.due.Store(true)
	sent, got = ask(get)
	require.Equal(t, []string{"TEXT"}, sent.Values("endpoint-load-metrics-format"))
	require.NotContains(t, got, "Load-Metrics")
	require.Equal(t, load, <-ear.said)

	sent, got = ask("GET / HTTP/1.1\r\nHost: x\r\nEndpoint-Load-Metrics-Format: JSON\r\n\r\n")
	require.Equal(t, []string{"JSON"}, sent.Values("endpoint-load-metrics-format"))
	require.Contains(t, got, load)
	require.Empty(t, ear.said)

	g.targets[0].Hear(nil)
	sent, got = ask(get)
	require.Empty(t, sent.Values("endpoint-load-metrics-format"))
	require.Contains(t, got, load)
}
