package proxy_test

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

func streaming() settings {
	s := defaults()
	s.generation.ReplayBytes = 0
	return s
}

func TestLargeBodiesStreamThrough(t *testing.T) {
	for name, s := range map[string]settings{
		"over replay_bytes": streaming(),
		"over body_memory": func() settings {
			s := defaults()
			s.generation.BodyMemory = 1 << 10
			return s
		}(),
	} {
		for _, framing := range []string{"length", "chunks"} {
			t.Run(name+", "+framing, func(t *testing.T) {
				p := newPuppet(t)
				g := serve(t, s, p.address)
				client := dial(t, g)
				first, second := strings.Repeat("a", 20<<10), strings.Repeat("b", 20<<10)
				if framing == "length" {
					client.send("POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 40960\r\n\r\n" + first)
				} else {
					client.send("POST / HTTP/1.1\r\nHost: x.test\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(first))
				}
				up := p.accept(t)
				r := up.request()
				got := make([]byte, len(first))
				_, err := io.ReadFull(r.Body, got) // before the rest is sent
				require.NoError(t, err)
				if framing == "length" {
					client.send(second)
				} else {
					client.send(chunk(second) + "0\r\nX-Sum: 7\r\n\r\n")
				}
				rest, err := io.ReadAll(r.Body)
				require.NoError(t, err)
				require.Equal(t, first+second, string(got)+string(rest))
				if framing == "chunks" {
					require.Equal(t, "7", r.Trailer.Get("X-Sum"))
				}
				up.send(plain("ok"))
				_, answer := client.answer()
				require.Equal(t, "ok", answer)
			})
		}
	}
}

func TestTooLargeIsRefusedBeforeAByteIsStored(t *testing.T) {
	s := defaults()
	s.generation.BodyBytes = 1000
	p := newPuppet(t)
	g := serve(t, s, p.address)
	r, body := dial(t, g).ask("POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 1001\r\n\r\n")
	require.Equal(t, 413, r.StatusCode)
	require.Contains(t, body, "body_too_large")
	r, _ = dial(t, g).ask("POST / HTTP/1.1\r\nHost: x.test\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(strings.Repeat("x", 1001)))
	require.Equal(t, 413, r.StatusCode)
	require.True(t, p.idle())
}

// An endpoint that refuses an upload and closes is heard, however much is still
// on its way.
func TestEarlyAnswerToALargeUpload(t *testing.T) {
	for name, s := range map[string]settings{"streamed": streaming(), "held": defaults()} {
		t.Run(name, func(t *testing.T) {
			p := newPuppet(t)
			g := serve(t, s, p.address)
			client := dial(t, g)
			const size = 3 << 20
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				_, _ = io.WriteString(client, "POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 3145728\r\n\r\n"+strings.Repeat("x", size))
			}()
			up := p.accept(t)
			up.request()
			up.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!")
			up.close()
			r, body := client.answer()
			require.Equal(t, 413, r.StatusCode)
			require.Equal(t, "no!", body)
			client.close()
			<-sent
		})
	}
}

func TestTruncatedUploadIsNeverWhole(t *testing.T) {
	for _, framing := range []string{"Content-Length: 100\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"} {
		s := streaming()
		s.front.WaitHalf = true
		p := newPuppet(t)
		g := serve(t, s, p.address)
		client := dial(t, g)
		client.send("POST / HTTP/1.1\r\nHost: x.test\r\n" + framing)
		up := p.accept(t)
		r := up.request()
		client.halfClose()
		_, err := io.ReadAll(r.Body)
		require.Error(t, err)
		answer, body := client.answer()
		require.Equal(t, 400, answer.StatusCode)
		require.Contains(t, body, "body_cut_short")
	}
}

func TestExpectContinue(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, defaults(), p.address)
	client := dial(t, g)
	client.send("POST / HTTP/1.1\r\nHost: x.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
	require.Equal(t, "HTTP/1.1 100 Continue\r\n\r\n", client.head())
	client.send("hello")
	up := p.accept(t)
	r, body := up.requestWhole()
	require.Equal(t, "hello", body)
	require.Empty(t, r.Header.Get("Expect"))
	up.send(plain("ok"))
	client.answer()
}

// A client that sends all of a body that is too large before it reads still
// reads why: the gateway takes in the rest for a while.
func TestTooLargeIsToldToClientsThatSendFirst(t *testing.T) {
	overBoth(t, func(t *testing.T, s settings) {
		t.Parallel()
		s.generation.BodyBytes = 1 << 20
		g := serve(t, s, refusing(t))
		c := dial(t, g)
		// Writing may fail once the gateway has had enough; what was said before stays readable.
		_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 8388608\r\n\r\n"+strings.Repeat("x", 8<<20))
		r, body := c.answer()
		require.Equal(t, 413, r.StatusCode)
		require.Contains(t, body, "body_too_large")
		require.Zero(t, g.handler.HeldBytes())
		c.close()
	})
}

// A client that asks first is refused before it sends anything.
func TestTooLargeIsRefusedInsteadOfContinue(t *testing.T) {
	s := defaults()
	s.generation.BodyBytes = 1000
	g := serve(t, s, refusing(t))
	c := dial(t, g)
	c.send("POST / HTTP/1.1\r\nHost: x.test\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n")
	require.Contains(t, c.head(), "HTTP/1.1 413 ")
}

// The limit counts what came, whatever the framing, also behind a part that has
// gone out already: the endpoint must then not take that part for the whole.
func TestTooLargeInTheMidstOfAnUpload(t *testing.T) {
	s := streaming()
	s.generation.BodyBytes = 100 << 10
	p := newPuppet(t)
	g := serve(t, s, p.address)
	c := dial(t, g)
	c.send("POST / HTTP/1.1\r\nHost: x.test\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(strings.Repeat("x", 60<<10)))
	up := p.accept(t)
	r := up.request()
	_, err := io.CopyN(io.Discard, r.Body, 60<<10)
	require.NoError(t, err)
	c.send(chunk(strings.Repeat("x", 60<<10)))
	_, err = io.Copy(io.Discard, r.Body)
	require.Error(t, err)
	answer, body := c.answer()
	require.Equal(t, 413, answer.StatusCode)
	require.Contains(t, body, "body_too_large")
	eventually(t, "the lease to be released so", func() bool { return g.finished(balancer.Refused) == 1 })
	require.Zero(t, g.blamed())
}

// answeredEarly is a client that has sent a part of its body, and an endpoint that has begun
// its answer to it.
func answeredEarly(t *testing.T, g *gateway, p *puppet) (c, up *peer) {
	t.Helper()
	c = dial(t, g)
	c.send("POST / HTTP/1.1\r\nHost: x.test\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("hello"))
	up = asked(t, p)
	up.send(streamHead + chunk("data: 1\n\n"))
	c.head()
	c.expect(chunk("data: 1\n\n"))
	return c, up
}

// A body that is malformed behind an answer that has begun costs that answer,
// and is the client's doing.
func TestBadUploadBehindAnAnswer(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, streaming(), p.address)
	c, up := answeredEarly(t, g, p)
	c.send("zz\r\n")
	rest, _ := c.rest()
	require.NotContains(t, rest, "0\r\n\r\n")
	up.ends()
	require.Contains(t, g.ending(t).failure, "chunked coding")
	require.Zero(t, g.blamed())
	require.Zero(t, g.logged.FilterMessage("request failed").Len())
}

// An answer that comes before the upload has ended is passed on at once, and so
// is the rest of the upload.
func TestAnswerBesideTheUpload(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, streaming(), p.address)
	c := dial(t, g)
	c.send("POST / HTTP/1.1\r\nHost: x.test\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("hello"))
	up := p.accept(t)
	r := up.request()
	got := make([]byte, 5)
	_, err := io.ReadFull(r.Body, got)
	require.NoError(t, err)
	up.send(streamHead + chunk("data: 1\n\n"))
	require.Contains(t, c.head(), "Connection: close")
	c.expect(chunk("data: 1\n\n"))
	c.send(chunk("again") + "0\r\n\r\n")
	rest, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Equal(t, "again", string(rest))
	up.send(chunk("data: 2\n\n") + "0\r\n\r\n")
	c.expect(chunk("data: 2\n\n") + "0\r\n\r\n")
	c.ends()
	require.Equal(t, 200, g.ending(t).status)
}
