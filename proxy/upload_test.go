package proxy_test

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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
