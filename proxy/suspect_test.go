package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/retry"
)

// mortal is an endpoint that dies of bodies that have poison in them, and answers others.
func mortal(t *testing.T, asked *atomic.Int64) string {
	return endpoint(t, func(c net.Conn, br *bufio.Reader) {
		for {
			r, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			asked.Add(1)
			text, _ := io.ReadAll(r.Body)
			switch {
			case strings.Contains(string(text), "in midstream"):
				_, _ = io.WriteString(c, streamHead+chunk("data: 1\n\n"))
				return
			case strings.Contains(string(text), "poison"):
				return
			}
			if _, err := io.WriteString(c, plain("ok")); err != nil {
				return
			}
		}
	})
}

// A body that two servers die of is refused at once then, and no other is.
func TestPoisonousBodyIsRefused(t *testing.T) {
	var asked atomic.Int64
	found := make(chan retry.Poison, 10)
	s := hasty()
	s.capacities = nil
	s.upstream.Poisoned = func(p retry.Poison, id string) { assert.NotEmpty(t, id); found <- p }
	g := serve(t, s, mortal(t, &asked), mortal(t, &asked), mortal(t, &asked))
	c := dial(t, g)
	r, body := c.ask(post("poison"))
	require.Equal(t, 502, r.StatusCode)
	require.Contains(t, body, "closed_before_answer")
	require.EqualValues(t, 2, asked.Load())
	poison := <-found
	require.NotEqual(t, poison.Endpoints[0], poison.Endpoints[1])
	require.Equal(t, len("poison"), poison.Size)

	for range 3 {
		r, body = c.ask(post("poison"))
		require.Equal(t, 502, r.StatusCode)
		require.Contains(t, body, `"code":"poisoned"`)
		require.False(t, r.Close)
	}
	require.EqualValues(t, 2, asked.Load(), "no server is asked any more")
	eventually(t, "all to be counted", func() bool {
		return g.count(t, "steelyard_failures_total", "code", "poisoned", "source", "client") == 3
	})
	for _, other := range []string{post("harmle"), strings.Replace(post("harmle"), "/v1/chat/completions", "/other/completions", 1)} {
		r, _ = c.ask(other)
		require.Equal(t, 200, r.StatusCode)
	}
	require.Empty(t, found)
}

// A request that is not done twice is found out when its client repeats it.
func TestPoisonIsFoundOverSeveralRequests(t *testing.T) {
	var asked atomic.Int64
	s := hasty()
	s.capacities = nil
	g := serve(t, s, mortal(t, &asked), mortal(t, &asked))
	for i := range 4 {
		r, body := dial(t, g).ask(order("poison"))
		require.Equal(t, 502, r.StatusCode)
		require.Equal(t, i >= 2, strings.Contains(body, `"code":"poisoned"`))
	}
	require.EqualValues(t, 2, asked.Load())
}

// A body that a server survives is not refused, whatever becomes of the servers that had it.
func TestInnocentBodyIsNotRefused(t *testing.T) {
	var asked atomic.Int64
	dying := func() string {
		return endpoint(t, func(c net.Conn, br *bufio.Reader) {
			for {
				r, err := http.ReadRequest(br)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, r.Body)
				if asked.Add(1)%2 > 0 {
					return
				}
				if _, err := io.WriteString(c, plain("ok")); err != nil {
					return
				}
			}
		})
	}
	s := hasty()
	s.capacities = nil
	s.upstream.Budget = nil
	g := serve(t, s, dying(), dying(), dying())
	c := dial(t, g)
	for range 8 {
		_, body := c.ask(post("hello"))
		require.Equal(t, "ok", body)
	}
	require.EqualValues(t, 16, asked.Load())
}

// A stream that breaks in its midst teaches as much: its client repeats it, and no third server dies of it.
func TestStreamsTeachWhatPoisonIs(t *testing.T) {
	var asked atomic.Int64
	s := hasty()
	s.capacities = nil
	g := serve(t, s, mortal(t, &asked), mortal(t, &asked), mortal(t, &asked))
	request := strings.Replace(post("in midstream"), "\r\n", "\r\nConnection: close\r\n", 1)
	for range 2 {
		c := dial(t, g)
		c.send(request)
		text, _ := c.rest()
		require.Contains(t, text, "truncated_answer")
	}
	r, body := dial(t, g).ask(request)
	require.Equal(t, 502, r.StatusCode)
	require.Contains(t, body, `"code":"poisoned"`)
	require.EqualValues(t, 2, asked.Load())
}

// One that cuts its answers short is found out as well, once it is suspected.
func TestPoisonInMidstream(t *testing.T) {
	var asked atomic.Int64
	s := hasty()
	s.capacities = nil
	breaks := says("")(t)
	g := serve(t, s, breaks, mortal(t, &asked))
	request := strings.Replace(post("in midstream"), "\r\n", "\r\nConnection: close\r\n", 1)
	for i := 0; ; i++ {
		require.Less(t, i, 10)
		c := dial(t, g)
		c.send(request)
		if text, _ := c.rest(); strings.Contains(text, `"code":"poisoned"`) {
			break
		}
	}
}
