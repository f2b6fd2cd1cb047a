package proxy_test

import (
	"context"
	"encoding/json"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"go.uber.org/zap/zapcore"
)

func TestAccessLine(t *testing.T) {
	g := serve(t, defaults(), answering(t, plain("hello")))
	before := time.Now()
	dial(t, g).ask("POST /v1/chat/completions?api_key=sk-query HTTP/1.1\r\nHost: api.example.com:8080\r\nX-Request-Id: id-7\r\n" +
		"Authorization: Bearer sk-field\r\nCookie: session=sk-cookie\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\r\n" +
		`{"secret":"sk-in-the-body"}`)
	g.ending(t)
	line := g.accessed.All()[0]
	f := line.ContextMap()
	require.Equal(t, "request", line.Message)
	for name, want := range map[string]any{
		"request_id": "id-7", "client": "127.0.0.1", "method": "POST", "host": "api.example.com:8080", "path": "/v1/chat/completions",
		"status": int64(200), "upstream": "chat", "endpoint": "a", "request_bytes": int64(27), "code": "", "failure": "",
	} {
		require.Equal(t, want, f[name], name)
	}
	require.WithinRange(t, f["arrived"].(time.Time), before.Add(-time.Second), time.Now().Add(time.Second))
	require.Positive(t, f["answer_bytes"])
	require.Positive(t, f["first_byte"])
	require.GreaterOrEqual(t, f["response"], f["first_byte"])
	all, err := json.Marshal(f)
	require.NoError(t, err)
	require.NotContains(t, string(all), "sk-", "no query string, no fields, no body")
}

// Every ending has its line, those without an endpoint or a request too.
func TestEveryEndingHasALine(t *testing.T) {
	for name, c := range map[string]struct {
		request  string
		status   int
		endpoint string
		code     string
		failure  string
	}{
		"answered":       {getPath("/p"), 200, "a", "", ""},
		"refused":        {"GET /p HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, "", "two_hosts", "more than one Host"},
		"no request":     {"nonsense\r\n\r\n", 400, "", "bad_request_line", "request line"},
		"no HTTP we do":  {"GET /p HTTP/3.9\r\nHost: x\r\n\r\n", 505, "", "version_not_supported", "1.0 and 1.1"},
		"body cut short": {"POST /p HTTP/1.1\r\nHost: x.test\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "", "bad_chunk", "chunked coding"},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, defaults(), answering(t, plain("hello")))
			r, _ := dial(t, g).ask(c.request)
			require.Equal(t, c.status, r.StatusCode)
			e := g.ending(t)
			require.Equal(t, c.status, e.status)
			require.Equal(t, c.endpoint, e.endpoint)
			require.Contains(t, e.failure, c.failure)
			require.NotEmpty(t, g.accessed.All()[0].ContextMap()["request_id"])
			require.Equal(t, c.code, g.accessed.All()[0].ContextMap()["code"])
		})
	}
}

// The pool tells why an endpoint cannot be reached, in words that have no address in them.
func TestAnOutageHasItsCause(t *testing.T) {
	s, told := defaults(), make(chan balancer.Transition, 2)
	s.notify = func(tr balancer.Transition) { told <- tr }
	g := serve(t, s, refusing(t))
	r, _ := dial(t, g).ask(get)
	require.Equal(t, 502, r.StatusCode)
	require.Equal(t, balancer.Transition{Upstream: "chat", Endpoint: "a", Condition: balancer.Unreachable, On: true, Reason: "connection refused"}, <-told)
}

// The line of a failure says what failed, and nothing of where our endpoints live.
func TestFailureInTheLine(t *testing.T) {
	address := refusing(t)
	g := serve(t, defaults(), address)
	r, body := dial(t, g).ask(get)
	require.Equal(t, 502, r.StatusCode)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	require.NotContains(t, body, port, "the client learns the endpoint's name alone")
	require.Equal(t, "endpoint a: connect_failed: connection refused", g.ending(t).failure)
	warning := g.logged.FilterMessage("request failed").All()
	require.Len(t, warning, 1, "one line for each 5xx that we made")
	f := warning[0].ContextMap()
	require.Equal(t, "connect_failed", f["code"])
	require.Equal(t, "chat", f["upstream"])
	require.Equal(t, "a", f["endpoint"])
	require.Equal(t, r.Header.Get("X-Request-Id"), f["request_id"])
}

// blocked is a core whose first write does not return before open is closed.
type blocked struct {
	zapcore.LevelEnabler
	writes chan struct{}
	open   chan struct{}
}

func (b blocked) With([]zapcore.Field) zapcore.Core { return b }
func (b blocked) Sync() error                       { return nil }
func (b blocked) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return ce.AddCore(e, b)
}

func (b blocked) Write(zapcore.Entry, []zapcore.Field) error {
	b.writes <- struct{}{}
	<-b.open
	return nil
}

// A log that takes nothing stops no request: lines are dropped and counted, and
// those that wait are written in the end.
func TestSlowAccessLogDropsLines(t *testing.T) {
	const requests, queue = 4200, 4096
	core := blocked{LevelEnabler: zapcore.InfoLevel, writes: make(chan struct{}, requests), open: make(chan struct{})}
	s := defaults()
	s.access = core
	g := serve(t, s, echoing(t, chatAnswer))
	var clients sync.WaitGroup
	for range 4 {
		c := dial(t, g)
		clients.Go(func() {
			answer := make([]byte, 4096)
			for range requests / 4 {
				if _, err := c.Write([]byte(get)); err != nil {
					t.Error(err)
					return
				}
				if _, err := c.Read(answer); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	clients.Wait()
	dropped := func() int { return g.count(t, "steelyard_access_log_lines_dropped_total") }
	eventually(t, "lines to be dropped", func() bool { return dropped() == requests-queue-1 })
	close(core.open)
	eventually(t, "the others to be written", func() bool { return len(core.writes) == queue+1 })
}

// Lines that wait when the log ends are still written.
func TestAccessLogIsWrittenToItsEnd(t *testing.T) {
	core := blocked{LevelEnabler: zapcore.InfoLevel, writes: make(chan struct{}, 100), open: make(chan struct{})}
	s := defaults()
	s.access, s.accessHeld = core, true
	g := serve(t, s, answering(t, plain("hello")))
	c := dial(t, g)
	for range 10 {
		c.ask(get)
	}
	c.close()
	g.rests(t)
	close(core.open)
	ended, end := context.WithCancel(context.Background())
	end()
	require.NoError(t, g.access.Run(ended))
	require.Len(t, core.writes, 10)
}
