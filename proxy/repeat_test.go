package proxy_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestUnreachableEndpointIsPassedOver(t *testing.T) {
	g := serve(t, defaults(), refusing(t), answering(t, plain("b")))
	for range 6 {
		r, body := dial(t, g).ask(post("{}"))
		require.Equal(t, 200, r.StatusCode)
		require.Equal(t, "b", body)
	}
	require.Positive(t, g.count(t, "steelyard_repeats_total", "reason", "connect", "endpoint", "a"))
}

func TestAllEndpointsUnreachable(t *testing.T) {
	g := serve(t, defaults(), refusing(t), refusing(t), refusing(t))
	r, body := dial(t, g).ask(get)
	require.Equal(t, 502, r.StatusCode)
	require.Contains(t, body, "connection refused")
	require.Equal(t, 2, g.count(t, "steelyard_repeats_total"), "three tries of a request")
}

// warmUp leaves one idle connection to the endpoint.
func warmUp(t *testing.T, g *gateway, p *puppet) *peer {
	client := dial(t, g)
	client.send(get)
	up := p.accept(t)
	up.request()
	up.send(plain("1"))
	client.answer()
	eventually(t, "an idle connection", func() bool { idle, _ := g.targets[0].Conns.Connections(); return idle == 1 })
	return up
}

// A connection that died idle is seen before anything is written on it.
func TestPostAfterTheIdleConnectionDied(t *testing.T) {
	for name, kill := range map[string]func(*peer){
		"FIN": (*peer).halfClose, "RST": (*peer).reset,
		"unasked bytes": func(p *peer) { p.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison") },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPuppet(t)
			g := serve(t, defaults(), p.address)
			kill(warmUp(t, g, p))
			client := dial(t, g)
			client.send(post("hello"))
			up := p.accept(t)
			_, body := up.requestWhole()
			require.Equal(t, "hello", body)
			up.send(plain("2"))
			_, answer := client.answer()
			require.Equal(t, "2", answer)
			require.Equal(t, 1, g.count(t, "steelyard_upstream_connections_stale_total"))
		})
	}
}

// One that dies under the request is resent once, on a fresh connection, with
// the same id: whatever the method, if it dies so soon that it had most likely been
// closed before. This machine may be too slow for that, so it is tried again.
func TestStaleConnectionIsResentOnce(t *testing.T) {
	eventually(t, "a request to be sent again", func() bool {
		p := newPuppet(t)
		g := serve(t, defaults(), p.address)
		up := warmUp(t, g, p)
		client := dial(t, g)
		client.send(strings.Replace(post("hello"), "\r\n", "\r\nConnection: close\r\n", 1))
		up.expect("POST")
		up.reset()
		answer := make(chan string, 1)
		go func() { text, _ := client.rest(); answer <- text }()
		select {
		case <-answer: // not sent again
			return false
		case c := <-p.conns:
			second := newPeer(t, c)
			_, body := second.requestWhole()
			require.Equal(t, "hello", body)
			second.reset()
		}
		text := <-answer
		require.Contains(t, text, "HTTP/1.1 502", "a fresh connection that breaks is not repeated")
		require.Contains(t, text, "closed_before_answer")
		require.True(t, p.idle(), "no third attempt")
		require.Equal(t, 1, g.count(t, "steelyard_repeats_total", "reason", "stale"))
		return true
	})
}

// longerThanARoundTrip is how long a server works that had the request for certain.
const longerThanARoundTrip = 300 * time.Millisecond

// Work that a server may have begun is not done a second time: not there, and not elsewhere.
func TestWorkIsNotBegunTwice(t *testing.T) {
	for name, end := range map[string]func(*peer){"FIN": (*peer).close, "RST": (*peer).reset} {
		t.Run(name, func(t *testing.T) {
			p := newPuppet(t)
			s := defaults()
			s.capacities = []float64{1e6, 1}
			g := serve(t, s, p.address, answering(t, plain("elsewhere")))
			up := warmUp(t, g, p)
			client := dial(t, g)
			client.send(order("hello"))
			_, body := up.requestWhole()
			require.Equal(t, "hello", body)
			passes(longerThanARoundTrip)
			end(up)
			r, text := client.answer()
			require.Equal(t, 502, r.StatusCode)
			require.Contains(t, text, `"code":"closed_before_answer"`)
			require.Contains(t, text, "endpoint a")
			require.True(t, p.idle())
			require.Zero(t, g.count(t, "steelyard_repeats_total"))
		})
	}
}

// A method that may be repeated is, at the same endpoint, with the same id and body.
func TestIdempotentRequestIsResentOnce(t *testing.T) {
	for method, body := range map[string]string{"GET": "", "PUT": "hello", "DELETE": "", "OPTIONS": ""} {
		t.Run(method, func(t *testing.T) {
			p := newPuppet(t)
			g := serve(t, defaults(), p.address)
			up := warmUp(t, g, p)
			client := dial(t, g)
			client.send(strings.Replace(post(body), "POST", method, 1))
			first, _ := up.requestWhole()
			passes(longerThanARoundTrip)
			up.close()
			second := p.accept(t)
			r, got := second.requestWhole()
			require.Equal(t, body, got)
			require.Equal(t, first.Header.Get("X-Request-Id"), r.Header.Get("X-Request-Id"))
			second.close()
			answer, text := client.answer()
			require.Equal(t, 502, answer.StatusCode, "a fresh connection that breaks is not repeated")
			require.Contains(t, text, "closed_before_answer")
			require.True(t, p.idle(), "no third attempt")
			require.Equal(t, 1, g.count(t, "steelyard_repeats_total", "reason", "broken"))
		})
	}
}

// Where the repeat of a request that is not to be done twice finds nobody, it goes nowhere else,
// and its client learns that the first may have been read.
func TestRequestThatKilledAServerGoesNowhereElse(t *testing.T) {
	p := newPuppet(t)
	s := defaults()
	s.capacities = []float64{1e6, 1}
	g := serve(t, s, p.address, answering(t, plain("elsewhere")))
	up := warmUp(t, g, p)
	client := dial(t, g)
	client.send(order("hello"))
	up.requestWhole()
	p.die()
	up.close()
	r, text := client.answer()
	require.Equal(t, 502, r.StatusCode)
	require.Contains(t, text, `"code":"closed_before_answer"`)
	require.Contains(t, text, "endpoint a")
	require.Zero(t, g.count(t, "steelyard_repeats_total", "reason", "connect"))
	_, body := dial(t, g).ask(get)
	require.Equal(t, "elsewhere", body, "the endpoint is known to be away")
}

func TestFreshConnectionThatBreaksIsNotRepeated(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, defaults(), p.address)
	client := dial(t, g)
	client.send(post("hello"))
	up := p.accept(t)
	up.requestWhole()
	up.close()
	r, _ := client.answer()
	require.Equal(t, 502, r.StatusCode)
	require.True(t, p.idle())
}

// A connection with bytes left over is never used again.
func TestExtraBytesNeverReachTheNextRequest(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, defaults(), p.address)
	client := dial(t, g)
	client.send(get)
	up := p.accept(t)
	up.request()
	up.send(plain("1") + plain("poison"))
	_, body := client.answer()
	require.Equal(t, "1", body)
	client.send(get)
	fresh := p.accept(t)
	fresh.request()
	fresh.send(plain("2"))
	_, body = client.answer()
	require.Equal(t, "2", body)
}

// Once anything of an answer has been passed on, an interim one too, the request
// is not sent again, whatever its connection was.
func TestNothingIsRepeatedBehindTheFirstByte(t *testing.T) {
	for name, c := range map[string]struct{ answer, seen string }{
		"interim answer": {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", "103 Early Hints"},
		"head":           {streamHead, "200 OK"},
		"known length":   {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "200 OK"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPuppet(t)
			g := serve(t, defaults(), p.address)
			up := warmUp(t, g, p)
			client := dial(t, g)
			client.send(strings.Replace(get, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
			up.request() // on the connection that was idle
			up.send(c.answer)
			require.Contains(t, client.head(), c.seen)
			up.reset()
			rest, _ := client.rest()
			require.NotContains(t, rest, "200 OK")
			require.True(t, p.idle())
			require.Zero(t, g.count(t, "steelyard_repeats_total"))
		})
	}
}

// A body goes to the second endpoint as it came, whether it is held or has not
// been read yet; the id of the request is the same.
func TestBodyGoesElsewhereWhole(t *testing.T) {
	for name, size := range map[string]int{"small": 10, "held": 100 << 10, "streamed": 2 << 20} {
		t.Run(name, func(t *testing.T) {
			s := defaults()
			s.generation.ReplayBytes = 1 << 20
			p := newPuppet(t)
			g := serve(t, s, refusing(t), p.address)
			for range 2 { // at least one of two begins with the endpoint that is not there
				body := strings.Repeat("0123456789", size/10)
				client := dial(t, g)
				sent := make(chan error, 1)
				go func() {
					_, err := io.WriteString(client.Conn, strings.Replace(post(body), "\r\n", "\r\nX-Request-Id: mine-7\r\n", 1))
					sent <- err
				}()
				up := p.accept(t)
				r, got := up.requestWhole()
				require.True(t, body == got, "the body has changed")
				require.Equal(t, "mine-7", r.Header.Get("X-Request-Id"))
				require.NoError(t, <-sent)
				up.send(strings.Replace(plain("ok"), "\r\n", "\r\nConnection: close\r\n", 1))
				_, answer := client.answer()
				require.Equal(t, "ok", answer)
			}
			require.Contains(t, []int{1, 2}, g.count(t, "steelyard_repeats_total", "reason", "connect", "endpoint", "a"))
		})
	}
}

// A body that has gone out in part and is not held cannot be sent again.
func TestStreamedBodyIsNotResent(t *testing.T) {
	s := defaults()
	s.generation.ReplayBytes = 0
	p := newPuppet(t)
	g := serve(t, s, p.address)
	up := warmUp(t, g, p)
	client := dial(t, g)
	client.send("POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 1000\r\n\r\nhello")
	up.request()
	up.expect("hello")
	up.reset()
	r, body := client.answer()
	require.Equal(t, 502, r.StatusCode)
	require.Contains(t, body, "closed_before_answer")
	require.True(t, p.idle())
}

// A body that is held is sent again whole, also where it is too large to be
// written in one go.
func TestLargeHeldBodyIsResent(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, defaults(), p.address)
	up := warmUp(t, g, p)
	client := dial(t, g)
	body := strings.Repeat("0123456789", 200<<10)
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(client.Conn, strings.Replace(post(body), "POST", "PUT", 1))
		sent <- err
	}()
	up.request()
	up.reset()
	second := p.accept(t)
	_, got := second.requestWhole()
	require.True(t, body == got, "the body has changed")
	require.NoError(t, <-sent)
	second.send(plain("ok"))
	_, answer := client.answer()
	require.Equal(t, "ok", answer)
	require.Equal(t, 1, g.count(t, "steelyard_repeats_total"))
}
