package proxy_test

import (
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// documented is the table of a chapter of ACCESSLOG.md: the kinds of fields by name.
func documented(t *testing.T, chapter string) map[string]string {
	t.Helper()
	page, err := os.ReadFile("ACCESSLOG.md")
	require.NoError(t, err)
	_, text, found := strings.Cut(string(page), "\n## "+chapter+"\n")
	require.True(t, found)
	text, _, _ = strings.Cut(text, "\n## ")
	kinds := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([a-z]+) \\|").FindAllStringSubmatch(text, -1) {
		require.NotContains(t, kinds, row[1])
		kinds[row[1]] = row[2]
	}
	return kinds
}

// kinds are those of a line's fields, by name.
func kinds(t *testing.T, line observer.LoggedEntry) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, f := range line.Context {
		switch f.Type {
		case zapcore.SkipType:
		case zapcore.StringType:
			found[f.Key] = "text"
		case zapcore.Int64Type:
			found[f.Key] = "number"
		case zapcore.BoolType:
			found[f.Key] = "truth"
		case zapcore.DurationType:
			found[f.Key] = "duration"
		case zapcore.TimeType:
			found[f.Key] = "time"
		default:
			require.Fail(t, "a kind that ACCESSLOG.md does not know", f.Key)
		}
	}
	return found
}

// ACCESSLOG.md, which parsers of the log are written from, has the fields that lines have.
func TestLinesAreAsDocumented(t *testing.T) {
	g := serve(t, defaults(), refusing(t))
	dial(t, g).ask(get)
	g.ending(t)
	require.Equal(t, documented(t, "Access log"), kinds(t, g.accessed.All()[0]))

	want := documented(t, "Failed requests")
	warning := kinds(t, g.logged.FilterMessage("request failed").All()[0])
	for name, kind := range warning {
		require.Equal(t, want[name], kind, name)
	}
	delete(want, "left_out") // nothing was
	require.Equal(t, want, warning)
}

// A warning says which request it is about, and nothing of its query.
func TestWarningsNameTheRequest(t *testing.T) {
	for name, access := range map[string]bool{"with an access log": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			p := newPuppet(t)
			s := defaults()
			s.noAccess = !access
			g := serve(t, s, p.address)
			c := dial(t, g)
			c.send("POST /v1/chat?key=sk-query HTTP/1.1\r\nHost: x.test\r\nX-Request-Id: id-9\r\nContent-Length: 2\r\n\r\n{}")
			up := asked(t, p)
			up.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
			up.close()
			c.ends()
			eventually(t, "a warning", func() bool { return g.logged.FilterMessage("request failed").Len() == 1 })
			f := maps.Clone(g.logged.FilterMessage("request failed").All()[0].ContextMap())
			require.Equal(t, map[string]any{
				"request_id": "id-9", "client": "127.0.0.1", "method": "POST", "path": "/v1/chat", "status": int64(502),
				"cut": true, "upstream": "chat", "endpoint": "a", "code": "truncated_answer", "error": "unexpected EOF",
			}, f)
		})
	}
}

// What a client chooses is bounded in the log.
func TestLongTextsAreCutInTheLog(t *testing.T) {
	g := serve(t, defaults(), answering(t, plain("hello")))
	dial(t, g).ask("GET /" + strings.Repeat("p", 4000) + " HTTP/1.1\r\nHost: x.test\r\n\r\n")
	g.ending(t)
	require.Equal(t, "/"+strings.Repeat("p", 2047)+"…", g.accessed.All()[0].ContextMap()["path"])
}
