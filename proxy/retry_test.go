package proxy_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/proxy/retry"
)

// failing is an answer with this status.
func failing(status int, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nX-Says: %s\r\nContent-Length: %d\r\n\r\n%s", status, http.StatusText(status), body[:min(len(body), 1)], len(body), body)
}

// hasty are settings in which endpoint a is asked first, and nobody waits long between tries.
func hasty() settings {
	s := defaults()
	s.capacities = []float64{1e6, 1, 1e-3}
	s.upstream.Retry.Backoff = time.Millisecond
	return s
}

// counting is answering that counts the requests.
func counting(t testing.TB, answer string) (address string, asked *atomic.Int64) {
	asked = new(atomic.Int64)
	return endpoint(t, func(c net.Conn, br *bufio.Reader) {
		for {
			r, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			if _, err = r.Body.Read(make([]byte, 64<<10)); r.ContentLength > 0 && err != nil && err.Error() != "EOF" {
				return
			}
			asked.Add(1)
			if _, err := c.Write([]byte(answer)); err != nil {
				return
			}
		}
	}), asked
}

// An answer that says that an endpoint fails is not the client's: another one is asked. The
// endpoint that gave it is told on, and its connection serves again.
func TestErrorAnswerIsPassedOver(t *testing.T) {
	for _, status := range []int{429, 500, 502, 503, 504} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			for name, answer := range map[string]string{
				"by length": failing(status, "a"), "empty": failing(status, ""),
				"by chunks": fmt.Sprintf("HTTP/1.1 %d Oops\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", status),
			} {
				if status == 429 { // and is left alone for longer than this test takes
					answer = strings.Replace(answer, "\r\n", "\r\nRetry-After: 30\r\n", 1)
				}
				g := serve(t, hasty(), answering(t, answer), answering(t, plain("b")))
				for range 2 {
					r, body := dial(t, g).ask(post("hello"))
					require.Equal(t, 200, r.StatusCode, name)
					require.Equal(t, "b", body)
				}
				asked := 2
				if status == 429 {
					asked = 1
				}
				require.Equal(t, asked, g.count(t, "steelyard_repeats_total", "endpoint", "a"), name)
				require.Equal(t, 1, g.count(t, "steelyard_upstream_connections_opened_total", "endpoint", "a"), "the connection is kept: %s", name)
				eventually(t, "both to be told of", func() bool { return g.finished(balancer.Answered) == uint64(2+asked) })
			}
		})
	}
}

// Some answers are the client's, whatever they say.
func TestAnswersThatAreTheClients(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		request string
		set     func(*settings)
	}{
		"a bad request":          {400, post("x"), nil},
		"not found":              {404, get, nil},
		"not implemented":        {501, post("x"), nil},
		"500, not done twice":    {500, order("x"), nil},
		"not wanted":             {503, get, func(s *settings) { s.upstream.Retry.Statuses = retry.NewStatuses(502) }},
		"none is tried again":    {503, get, func(s *settings) { s.upstream.Retry.Attempts = 1 }},
		"by method alone":        {500, post("x"), func(s *settings) { s.upstream.Retry.Idempotent = retry.ByMethod }},
		"its body is not held":   {503, post(strings.Repeat("x", 100)), func(s *settings) { s.generation.ReplayBytes = 10 }},
		"it is too late by then": {503, get, func(s *settings) { s.upstream.Retry.Within = 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			s := hasty()
			if c.set != nil {
				c.set(&s)
			}
			b, asked := counting(t, plain("b"))
			g := serve(t, s, answering(t, failing(c.status, "a")), b)
			r, body := dial(t, g).ask(c.request)
			require.Equal(t, c.status, r.StatusCode)
			require.Equal(t, "a", body)
			require.Zero(t, asked.Load())
			require.Zero(t, g.count(t, "steelyard_repeats_total"))
		})
	}
	s := hasty()
	s.upstream.Retry.Idempotent = retry.All
	g := serve(t, s, answering(t, failing(500, "a")), answering(t, plain("b")))
	_, body := dial(t, g).ask(order("x"))
	require.Equal(t, "b", body, "all may be done twice")
}

// Where no try helps, the client gets the last real answer as it came.
func TestLastRealAnswer(t *testing.T) {
	chunks := "HTTP/1.1 503 Loading the model\r\nX-Says: a\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n"
	for name, c := range map[string]struct {
		a, b     func(t testing.TB) string
		answered string // which endpoint the answer is from
		endings  string // of the first request
	}{
		"the last of two":           {says(failing(503, "a")), says(failing(502, "b")), "b", "b"},
		"the other is not there":    {says(failing(503, "a")), refusing, "a", "a"},
		"by chunks, with a trailer": {says(chunks), refusing, "a", "a"},
		"the other breaks off":      {says(failing(503, "a")), says(""), "a", "a"},
		"the other is a teapot":     {says(failing(503, "a")), says(failing(418, "b")), "b", "b"},
		"a larger one":              {says(failing(503, "a"+strings.Repeat("x", 60<<10))), refusing, "a", "a"},
	} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, hasty(), c.a(t), c.b(t))
			r, body := dial(t, g).ask(post("hello"))
			require.Equal(t, c.answered, r.Header.Get("X-Says")[:1])
			require.Equal(t, c.endings, g.ending(t).endpoint)
			switch {
			case r.Trailer != nil:
				require.Equal(t, "503 Loading the model", r.Status)
				require.Equal(t, "hello", body)
				require.Equal(t, "7", r.Trailer.Get("X-Sum"))
			default:
				require.EqualValues(t, len(body), r.ContentLength)
				require.Equal(t, r.Header.Get("X-Says"), body[:1])
			}
		})
	}
}

// An answer is kept within the memory of bodies.
func TestKeptAnswersCountAsBodyMemory(t *testing.T) {
	for memory, want := range map[int64]bool{1 << 20: true, 32 << 10: false} {
		s := hasty()
		s.generation.BodyMemory = memory
		g := serve(t, s, says(failing(503, strings.Repeat("x", 60_000)))(t), refusing(t))
		_, body := dial(t, g).ask(get)
		require.Equal(t, want, strings.Contains(body, "xxxx"), "with %d bytes", memory)
		eventually(t, "all memory to be given back", func() bool { return g.handler.HeldBytes() == 0 })
	}
}

// says makes endpoints that give this answer, and close at once if it is none.
func says(answer string) func(testing.TB) string {
	return func(t testing.TB) string {
		if answer != "" {
			return answering(t, answer)
		}
		return endpoint(t, func(c net.Conn, br *bufio.Reader) { _, _ = http.ReadRequest(br) })
	}
}

// An answer that is too large to be kept, or does not come to its end, is given up with its connection.
func TestEndlessErrorAnswerIsGivenUp(t *testing.T) {
	for name, body := range map[string]string{"large": strings.Repeat("x", 100<<10), "stuck": "x"} {
		t.Run(name, func(t *testing.T) {
			p := newPuppet(t)
			g := serve(t, hasty(), p.address, answering(t, plain("b")))
			c := dial(t, g)
			c.send(post("hello"))
			up := p.accept(t)
			up.requestWhole()
			go up.send("HTTP/1.1 503 Busy\r\nContent-Length: 1000000\r\n\r\n" + body)
			_, answer := c.answer()
			require.Equal(t, "b", answer)
			up.ends()
		})
	}
}

// A server that takes requests and never answers costs none that may be done twice.
func TestSilentEndpointCostsNothing(t *testing.T) {
	t.Parallel()
	p := newPuppet(t)
	s := hasty()
	s.upstream.FirstByte = 10 * soon // which is as long as the one that answers may take
	g := serve(t, s, p.address, answering(t, plain("b")))
	for _, request := range []string{get, post("hello"), post(strings.Repeat("x", 1<<20))} {
		_, body := dial(t, g).ask(request)
		require.Equal(t, "b", body)
	}
	require.Equal(t, 3, g.count(t, "steelyard_repeats_total", "reason", "silent", "endpoint", "a"))
	r, _ := dial(t, g).ask(order("hello"))
	require.Equal(t, 504, r.StatusCode)
	eventually(t, "the last lease to be released", func() bool { return g.finished(balancer.TimedOut) == 4 })
}

// Each try has the whole of timeouts.first_byte, and is cancelled where that is over.
func TestEachTryHasItsOwnFirstByte(t *testing.T) {
	t.Parallel()
	a, b := newPuppet(t), newPuppet(t)
	s := hasty()
	s.upstream.FirstByte = 20 * soon // which is as long as the one that answers may take
	g := serve(t, s, a.address, b.address, answering(t, plain("c")))
	client := dial(t, g)
	client.send(post("hello"))
	for _, p := range []*puppet{a, b} {
		up := p.accept(t)
		_, body := up.requestWhole()
		require.Equal(t, "hello", body)
		up.ends()
	}
	_, body := client.answer()
	require.Equal(t, "c", body)
	eventually(t, "the leases to be released", func() bool { return g.finished(balancer.TimedOut) == 2 })
	require.Equal(t, 2, g.count(t, "steelyard_repeats_total", "reason", "silent"))
}

// A request over which two servers broke off goes to no third, and one that broke one off and
// got an error from the next goes to no third either.
func TestPoisonousRequestStopsAtTwo(t *testing.T) {
	for name, second := range map[string]string{"breaks": "", "fails": failing(503, "b")} {
		t.Run(name, func(t *testing.T) {
			c, asked := counting(t, plain("c"))
			g := serve(t, hasty(), says("")(t), says(second)(t), c)
			r, body := dial(t, g).ask(post("poison"))
			if second == "" {
				require.Equal(t, 502, r.StatusCode)
				require.Contains(t, body, `"code":"closed_before_answer"`)
			} else {
				require.Equal(t, "b", body)
			}
			require.Zero(t, asked.Load())
			require.Equal(t, 1, g.count(t, "steelyard_repeats_total", "reason", "broken"))
		})
	}
}

// Nothing is tried again behind an interim answer that the client has got.
func TestNoRetryBehindAnInterimAnswer(t *testing.T) {
	g := serve(t, hasty(), answering(t, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"+failing(503, "a")), answering(t, plain("b")))
	c := dial(t, g)
	c.send(get)
	require.Contains(t, c.head(), "103 Early Hints")
	r, _ := c.answer()
	require.Equal(t, 503, r.StatusCode)
	require.Zero(t, g.count(t, "steelyard_repeats_total"))
}

// Who asks to be left alone for a while is, while there are others.
func TestPushBackGoesElsewhereAtOnce(t *testing.T) {
	s := hasty()
	s.upstream.Retry.Backoff, s.upstream.Retry.MaxBackoff = never, never
	busy := strings.Replace(failing(503, "a"), "\r\n", "\r\nRetry-After: 3600\r\n", 1)
	g := serve(t, s, answering(t, busy), answering(t, plain("b")))
	_, body := dial(t, g).ask(post("hello"))
	require.Equal(t, "b", body)
	require.Equal(t, 1, g.count(t, "steelyard_repeats_total", "reason", "push_back"))
}

// An endpoint that asks for a pause gets one: it is not asked for that long, or for a second where
// it did not say, or was asked for nothing.
func TestPauseIsGiven(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		pause  time.Duration
		told   bool
	}{
		"429":                    {failing(429, ""), time.Second, true},
		"in seconds":             {strings.Replace(failing(429, ""), "\r\n", "\r\nRetry-After: 7\r\n", 1), 7 * time.Second, true},
		"503":                    {strings.Replace(failing(503, ""), "\r\n", "\r\nRetry-After: 7\r\n", 1), 7 * time.Second, true},
		"for longer than fits":   {strings.Replace(failing(429, ""), "\r\n", "\r\nRetry-After: 99999999999999999999\r\n", 1), 30 * time.Second, true},
		"for who knows":          {strings.Replace(failing(429, ""), "\r\n", "\r\nRetry-After: soon\r\n", 1), time.Second, true},
		"503 that says nonsense": {strings.Replace(failing(503, ""), "\r\n", "\r\nRetry-After: -7\r\n", 1), 0, false},
		"at once":                {strings.Replace(failing(429, ""), "\r\n", "\r\nRetry-After: 0\r\n", 1), 100 * time.Millisecond, true},
		"a date that is over":    {strings.Replace(failing(429, ""), "\r\n", "\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 1), 100 * time.Millisecond, true},
		"503 that says no more":  {failing(503, ""), 0, false},
		"another":                {strings.Replace(failing(500, ""), "\r\n", "\r\nRetry-After: 7\r\n", 1), 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			a, asked := counting(t, c.answer)
			s := hasty()
			told := make(chan balancer.Transition, 10)
			s.notify = func(t balancer.Transition) { told <- t }
			g := serve(t, s, a, answering(t, plain("b")))
			_, body := dial(t, g).ask(post("hello"))
			require.Equal(t, "b", body)
			require.EqualValues(t, 1, asked.Load())
			if !c.told {
				require.Empty(t, told)
				return
			}
			require.Equal(t, c.pause, (<-told).Cooling)
		})
	}
}

// Where there are no others it is asked again after that while, if the client can wait so long.
func TestPushBackIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after  string
		total  time.Duration
		status int
	}{
		"a second":                 {"1", 0, 200},
		"longer than its patience": {"30", 0, 503},
		"longer than the total":    {"2", time.Second, 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			a := endpoint(t, func(conn net.Conn, br *bufio.Reader) {
				for {
					if _, err := http.ReadRequest(br); err != nil {
						return
					}
					answer := plain("a")
					if asked.Add(1) == 1 {
						answer = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: " + c.after + "\r\n\r\n"
					}
					_, _ = conn.Write([]byte(answer))
				}
			})
			s := hasty()
			s.upstream.Total = c.total
			g := serve(t, s, a)
			r, _ := dial(t, g).ask(get)
			require.Equal(t, c.status, r.StatusCode)
		})
	}
}

// A client that leaves while its request waits for another try is gone at once.
func TestClientLeavesBetweenTries(t *testing.T) {
	s := hasty()
	p := newPuppet(t)
	g := serve(t, s, p.address)
	c := dial(t, g)
	c.send(get)
	up := p.accept(t)
	up.request()
	up.send("HTTP/1.1 429 Slow Down\r\nContent-Length: 0\r\nRetry-After: 4\r\n\r\n")
	eventually(t, "the answer to be passed over", func() bool { return g.finished(balancer.Answered) == 1 })
	c.close()
	require.Equal(t, 499, g.ending(t).status)
}

// However much fails, retries stay a small part of all that is sent.
func TestOutageIsNoFlood(t *testing.T) {
	const requests = 400
	var asked [3]*atomic.Int64
	var addresses [3]string
	for i := range asked {
		addresses[i], asked[i] = counting(t, failing(503, "x"))
	}
	s := hasty()
	s.capacities = nil
	g := serve(t, s, addresses[:]...)
	c := dial(t, g)
	for range requests {
		r, _ := c.ask(get)
		require.Equal(t, 503, r.StatusCode)
	}
	attempts := asked[0].Load() + asked[1].Load() + asked[2].Load()
	require.LessOrEqual(t, attempts, int64(1.25*requests))
	require.Greater(t, attempts, int64(requests), "some are tried again")
	require.Positive(t, g.count(t, "steelyard_retries_refused_total"))

	g = serve(t, defaults(), refusing(t), refusing(t), refusing(t))
	c = dial(t, g)
	for range requests {
		c.ask(get)
	}
	require.LessOrEqual(t, int(g.finished(balancer.ConnectFailed)), int(1.25*requests))
}
