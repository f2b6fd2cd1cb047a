package proxy_test

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// What an endpoint answers is not taken from the client where there is no other to ask: not a large
// answer, not one that comes slowly; and nobody waits for a try that cannot be.
func TestErrorAnswerOfTheOnlyEndpoint(t *testing.T) {
	large := failing(500, "a"+strings.Repeat("x", 300<<10))
	for name, answer := range map[string]string{"small": failing(503, "a"), "large": large} {
		t.Run(name, func(t *testing.T) {
			s := hasty()
			s.upstream.Retry.Backoff, s.upstream.Retry.MaxBackoff = never, never
			g := serve(t, s, answering(t, answer), answering(t, plain("b")))
			drain(t, g, "b")
			r, body := dial(t, g).ask(post("hello"))
			require.GreaterOrEqual(t, r.StatusCode, 500)
			require.Len(t, body, int(r.ContentLength))
			require.Equal(t, "a", body[:1])
			_, retries, _ := s.upstream.Budget.Counts(wire.Now())
			require.Zero(t, retries, "no retry is paid for")
		})
	}
	t.Run("slow", func(t *testing.T) {
		p := newPuppet(t)
		g := serve(t, hasty(), p.address)
		c := dial(t, g)
		c.send(get)
		up := p.accept(t)
		up.request()
		up.send("HTTP/1.1 503 Loading\r\nContent-Length: 2\r\n\r\n")
		require.Contains(t, c.head(), "503 Loading", "while the rest has not come")
		up.send("no")
		c.expect("no")
	})
	t.Run("a second large one", func(t *testing.T) {
		g := serve(t, hasty(), answering(t, large), answering(t, large))
		r, body := dial(t, g).ask(post("hello"))
		require.Equal(t, 500, r.StatusCode)
		require.Len(t, body, int(r.ContentLength))
	})
}

// A request that breaks at the only endpoint fails at once, and pays for no retry.
func TestFailureAtTheOnlyEndpoint(t *testing.T) {
	s := hasty()
	s.upstream.Retry.Backoff, s.upstream.Retry.MaxBackoff = never, never
	g := serve(t, s, says("")(t))
	r, body := dial(t, g).ask(post("hello"))
	require.Equal(t, 502, r.StatusCode)
	require.Contains(t, body, `"code":"closed_before_answer"`)
	require.Zero(t, g.count(t, "steelyard_repeats_total"))
}

func drain(t *testing.T, g *gateway, name string) {
	t.Helper()
	_, err := g.pool.SetCondition(name, balancer.Draining, true, "")
	require.NoError(t, err)
}

// An error answer says that the request was not done. So it does not reach a client whose request
// another endpoint may have done since.
func TestOlderAnswerDoesNotHideWhatMayBeDone(t *testing.T) {
	g := serve(t, hasty(), answering(t, failing(503, "a")), says("")(t))
	r, body := dial(t, g).ask(order("hello"))
	require.Equal(t, 502, r.StatusCode)
	require.Contains(t, body, `"code":"closed_before_answer"`)
	require.Contains(t, body, "endpoint b:")

	silent := newPuppet(t)
	s := hasty()
	s.upstream.FirstByte = soon
	g = serve(t, s, answering(t, failing(503, "a")), silent.address)
	r, body = dial(t, g).ask(order("hello"))
	require.Equal(t, 504, r.StatusCode)
	require.Contains(t, body, `"code":"first_byte_timeout"`)
}

// A pause that would last until the time is over is none: the client gets the answer that there is.
func TestNoPauseBeyondTheTime(t *testing.T) {
	for name, set := range map[string]func(*settings){
		"total":  func(s *settings) { s.upstream.Total = time.Minute },
		"within": func(s *settings) { s.upstream.Retry.Within = time.Minute },
	} {
		s := hasty()
		s.upstream.Retry.Backoff, s.upstream.Retry.MaxBackoff = 1e6*never, 1e6*never
		set(&s)
		g := serve(t, s, answering(t, failing(500, "a")), answering(t, plain("b")))
		r, body := dial(t, g).ask(post("hello"))
		require.Equal(t, 500, r.StatusCode, name)
		require.Equal(t, "a", body)
	}
}

// Kept answers do not mix: the second to come is whole, whatever the first one's framing was.
func TestAnswersDoNotMix(t *testing.T) {
	chunks := "HTTP/1.1 503 No\r\nX-First: 1\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\nX-Sum: 7\r\n\r\n"
	for _, request := range []string{
		get, strings.Replace(get, "GET", "HEAD", 1), strings.Replace(get, "1.1", "1.0", 1), post("hello"), post(strings.Repeat("x", 1<<20)),
		"POST /v1/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
		"POST /v1/completions HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
	} {
		for name, first := range map[string]string{
			"chunked": chunks, "counted": failing(502, "first"), "until close": "HTTP/1.1 503 No\r\nX-First: 1\r\n\r\nfirst",
			"cut": "HTTP/1.1 503 No\r\nX-First: 1\r\nContent-Length: 9\r\n\r\nfirst", "early": "HTTP/1.1 504 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
		} {
			ends := name == "until close" || name == "cut" || name == "early"
			a := endpoint(t, func(c net.Conn, br *bufio.Reader) {
				for {
					r, err := http.ReadRequest(br)
					if err != nil {
						return
					}
					if name != "early" {
						_, _ = bufio.NewReader(r.Body).WriteTo(discard{})
					}
					if _, err = c.Write([]byte(first)); err != nil || ends {
						return
					}
				}
			})
			g := serve(t, hasty(), a, answering(t, "HTTP/1.1 200 OK\r\nX-Second: 1\r\nContent-Length: 6\r\n\r\nsecond"))
			c := dial(t, g)
			if c.send(request); strings.HasPrefix(request, "HEAD") {
				head := c.head()
				require.Contains(t, head, "X-Second", name)
				require.NotContains(t, head, "X-First", name)
				c.close()
				continue
			}
			if strings.Contains(request, "Expect") {
				require.Contains(t, c.head(), "100 Continue")
			}
			r, body := c.answer()
			require.Equal(t, 200, r.StatusCode, "%s after %.40q", name, request)
			require.Equal(t, "second", body)
			require.Empty(t, r.Header.Get("X-First"))
			require.Empty(t, r.Trailer)
		}
	}
}

// discard takes everything.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
