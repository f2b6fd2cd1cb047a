package proxy_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/proxy"
	"github.com/steelyard-proxy/steelyard/proxy/admission"
	"github.com/steelyard-proxy/steelyard/proxy/route"
)

// important is a gateway whose paths under /high have the higher of two priorities.
func important(limits admission.Limits) settings {
	s := defaults()
	s.routes = []route.Rule{{Path: "/high"}}
	classes := limits.Classes([]uint8{1, 8})
	s.generation.Priority = []proxy.Priority{{Level: 1, Class: classes[1]}, {Level: 8, Class: classes[8]}}
	return s
}

// toBoth lets both rules lead to the upstream.
func toBoth(g *gateway) {
	changed := *g.generation
	changed.Upstreams = []*proxy.Upstream{g.generation.Upstreams[0], g.generation.Upstreams[0]}
	g.generation = &changed
	g.handler.Use(g.generation)
}

// codeIn is the code of an error.
func codeIn(body string) string {
	_, rest, _ := strings.Cut(body, `"code":"`)
	code, _, _ := strings.Cut(rest, `"`)
	return code
}

// refusedBy sends a request and returns the status, the code and Retry-After of its refusal.
func refusedBy(t *testing.T, g *gateway, path string) (status int, code, after string) {
	t.Helper()
	c := dial(t, g)
	c.send(getPath(path))
	r, body := c.answer()
	return r.StatusCode, codeIn(body), r.Header.Get("Retry-After")
}

// The cap on requests under way leaves its last fifth to the higher priority, and is free again
// when answers end.
func TestTooManyRequests(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, important(admission.Limits{Requests: 5}), p.address)
	toBoth(g)
	var servers []*peer
	var clients []*peer
	for _, path := range []string{"/", "/", "/", "/", "/high"} {
		c := dial(t, g)
		c.send(getPath(path))
		clients, servers = append(clients, c), append(servers, asked(t, p))
		if len(clients) == 4 {
			status, code, after := refusedBy(t, g, "/")
			require.Equal(t, []any{503, "overloaded", "1"}, []any{status, code, after})
		}
	}
	status, code, _ := refusedBy(t, g, "/high")
	require.Equal(t, []any{503, "overloaded"}, []any{status, code})
	require.EqualValues(t, 5, g.handler.Guard.Requests())
	for i, server := range servers {
		server.send(plain("done"))
		r, _ := clients[i].answer()
		require.Equal(t, http.StatusOK, r.StatusCode)
	}
	eventually(t, "no request to be under way", func() bool { return g.handler.Guard.Requests() == 0 })
	eventually(t, "those that were refused to be counted", func() bool { return g.count(t, "steelyard_failures_total", "code", "overloaded") == 2 })
}

// What is shed is turned away by its priority, and all the rest is served.
func TestShed(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, important(admission.Limits{}), p.address)
	shedding := new(admission.Shedding)
	shedding.Set(8)
	g.generation.Upstreams[0].Shedding = shedding
	toBoth(g)
	status, code, after := refusedBy(t, g, "/")
	require.Equal(t, []any{503, "shed", "10"}, []any{status, code, after})
	require.Zero(t, g.handler.Guard.Requests())
	c := dial(t, g)
	c.send(getPath("/high"))
	asked(t, p).send(plain("done"))
	r, _ := c.answer()
	require.Equal(t, http.StatusOK, r.StatusCode)
}

// While memory is short, new requests are turned away, and those that are under way go on.
func TestLittleMemory(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, important(admission.Limits{Memory: 1000}), p.address)
	toBoth(g)
	var used atomic.Int64
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- g.handler.Guard.Run(ctx, used.Load) }()
	t.Cleanup(func() { stop(); <-ended })
	set := func(n int64) {
		used.Store(n)
		eventually(t, "memory to be measured", func() bool { return g.handler.Guard.Memory() == n })
	}
	running := dial(t, g)
	running.send(getPath("/"))
	server := asked(t, p)

	set(900)
	status, code, after := refusedBy(t, g, "/")
	require.Equal(t, []any{503, "memory_limit", "1"}, []any{status, code, after})
	high := dial(t, g)
	high.send(getPath("/high"))
	asked(t, p).send(plain("high"))
	_, body := high.answer()
	require.Equal(t, "high", body)
	set(1000)
	status, code, _ = refusedBy(t, g, "/high")
	require.Equal(t, []any{503, "memory_limit"}, []any{status, code})

	server.send(plain("done"))
	_, body = running.answer()
	require.Equal(t, "done", body)
	require.Positive(t, g.handler.MemoryInUse())
}

// In a full queue the higher priority takes the place of the lower, whose client hears of it at once.
func TestHigherPriorityTakesThePlace(t *testing.T) {
	p := newPuppet(t)
	s := important(admission.Limits{})
	s.slots, s.queue = 1, balancer.QueueOptions{MaxRequests: 1, MaxWait: time.Hour}
	g := serve(t, s, p.address)
	toBoth(g)
	first, low, high := dial(t, g), dial(t, g), dial(t, g)
	first.send(getPath("/"))
	server := asked(t, p)
	low.send(getPath("/"))
	g.waiting(t, 1)
	high.send(getPath("/high"))
	r, body := low.answer()
	require.Equal(t, 503, r.StatusCode)
	require.Equal(t, "displaced", codeIn(body))
	require.NotEmpty(t, r.Header.Get("Retry-After"))
	g.waiting(t, 1)
	status, code, _ := refusedBy(t, g, "/")
	require.Equal(t, []any{429, "queue_full"}, []any{status, code})

	server.send(plain("one"))
	_, body = first.answer()
	require.Equal(t, "one", body)
	require.Equal(t, "/high", server.request().URL.Path)
	server.send(plain("two"))
	_, body = high.answer()
	require.Equal(t, "two", body)
	require.Equal(t, 1, g.count(t, "steelyard_queue_refused_total", "reason", "displaced"))
}
