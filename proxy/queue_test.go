package proxy_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/estimate"
	"github.com/steelyard-proxy/steelyard/balancer/predict"
	"github.com/steelyard-proxy/steelyard/proxy/requestlog"
	"github.com/steelyard-proxy/steelyard/proxy/retry"
)

// queueing is a gateway whose endpoints have one slot each.
func queueing(waiting int) settings {
	s := defaults()
	s.slots = 1
	s.queue = balancer.QueueOptions{MaxRequests: waiting, MaxWait: never}
	s.upstream.QueueTime = true
	return s
}

// waiting waits until that many requests are in the queue.
func (g *gateway) waiting(t *testing.T, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d requests to wait", n), func() bool { return g.pool.Queue().Waiting == n })
}

// A request that finds all slots in use is bound when the first comes free, over the
// connection that did.
func TestRequestsWaitForASlot(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, queueing(10), p.address)
	first, second := dial(t, g), dial(t, g)
	first.send(get)
	server := asked(t, p)
	second.send(getPath("/second"))
	g.waiting(t, 1)
	require.True(t, p.idle(), "the second request must not reach the endpoint while the first is there")

	server.send(plain("one"))
	r, body := first.answer()
	require.Equal(t, "one", body)
	require.Equal(t, "0.000", r.Header.Get("X-Steelyard-Queue-Ms"))
	require.Equal(t, "/second", server.request().URL.Path)
	g.waiting(t, 0)
	server.send(plain("two"))
	r, body = second.answer()
	require.Equal(t, "two", body)
	wait, err := strconv.ParseFloat(r.Header.Get("X-Steelyard-Queue-Ms"), 64)
	require.NoError(t, err)
	require.Positive(t, wait)
	eventually(t, "both to be counted", func() bool { return g.finished(balancer.Answered) == 2 })
	require.Equal(t, 1, g.count(t, "steelyard_queue_wait_time_seconds_count"), "the first did not wait")
}

func TestQueueRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		set    func(*settings)
		status int
		code   string
		reason string
	}{
		"full":     {func(s *settings) { s.queue.MaxRequests = 0 }, 429, "queue_full", "full"},
		"too late": {func(s *settings) { s.queue.MaxWait = soon }, 503, "queue_timeout", "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPuppet(t)
			s := queueing(1)
			c.set(&s)
			g := serve(t, s, p.address)
			first := dial(t, g)
			first.send(get)
			server := asked(t, p)

			second := dial(t, g)
			r, body := second.ask(get)
			require.Equal(t, c.status, r.StatusCode)
			require.Contains(t, body, `"code":"`+c.code+`"`)
			require.Contains(t, body, `"type":"server_error"`)
			after, err := strconv.Atoi(r.Header.Get("Retry-After"))
			require.NoError(t, err)
			require.Positive(t, after)
			require.LessOrEqual(t, after, 60)
			require.Equal(t, 1, g.count(t, "steelyard_queue_refused_total", "reason", c.reason))
			require.Zero(t, g.blamed(), "no endpoint is to blame")

			server.send(plain("one"))
			first.answer()
			second.send(get) // the connection is as good as before
			require.Equal(t, "/", server.request().URL.Path)
			server.send(plain("two"))
			_, body = second.answer()
			require.Equal(t, "two", body)
		})
	}
}

// What ends a request while it waits takes it out of the queue at once.
func TestLeavingTheQueue(t *testing.T) {
	for name, leave := range map[string]func(*testing.T, *gateway, *peer){
		"close": func(t *testing.T, g *gateway, c *peer) { c.close(); g.clientLeft(t, "queue") },
		"reset": func(t *testing.T, g *gateway, c *peer) { c.reset(); g.clientLeft(t, "queue") },
		"shutdown": func(t *testing.T, g *gateway, c *peer) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			go func() { _ = g.front.Shutdown(ctx) }()
			r, body := c.answer()
			require.Equal(t, 503, r.StatusCode)
			require.Contains(t, body, `"code":"shutting_down"`)
			require.NotEmpty(t, r.Header.Get("Retry-After"))
			c.ends()
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPuppet(t)
			g := serve(t, queueing(10), p.address)
			first, second := dial(t, g), dial(t, g)
			first.send(get)
			server := asked(t, p)
			second.send(get)
			g.waiting(t, 1)
			leave(t, g, second)
			g.waiting(t, 0)
			server.close()
		})
	}
}

// A request whose total time is over while it waits is no failure of an endpoint: none got it.
func TestTotalTimeoutInTheQueue(t *testing.T) {
	for name, c := range map[string]struct {
		before  []string // endpoints that come first
		message string
		blamed  uint64
	}{
		"having tried none":                 {nil, "no endpoint got the request\"", 0},
		"having found one out of its reach": {[]string{refusing(t)}, "no endpoint got the request: connection refused\"", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPuppet(t)
			s := queueing(1)
			s.upstream.Total = 20 * soon
			g := serve(t, s, append(c.before, p.address)...)
			full := balancer.Request{}
			for _, e := range g.pool.Snapshot().Endpoints[:len(c.before)] {
				full.Exclude = append(full.Exclude, e.Endpoint)
			}
			lease, err := g.pool.Acquire(&full)
			require.NoError(t, err)
			defer lease.Release(balancer.Outcome{Class: balancer.Answered})

			client := dial(t, g)
			r, body := client.ask(get)
			require.Equal(t, 504, r.StatusCode)
			require.Contains(t, body, `"code":"total_timeout_in_queue"`)
			require.Contains(t, body, `"type":"server_error"`)
			require.Contains(t, body, "waited in the queue until timeouts.total was over; "+c.message)
			require.NotContains(t, body, "endpoint a:")
			require.Equal(t, "1", r.Header.Get("Retry-After"))
			g.waiting(t, 0)
			require.Equal(t, 1, g.count(t, "steelyard_queue_refused_total", "reason", "timeout"))
			require.Equal(t, c.blamed, g.blamed())
			require.Contains(t, g.ending(t).failure, "total_timeout_in_queue")
			require.True(t, p.idle())
			r, _ = client.ask(get)
			require.Equal(t, 504, r.StatusCode, "the connection is as good as before")
		})
	}
}

// chat asks for so many tokens.
func chat(tokens int) string {
	return post(fmt.Sprintf(`{"model":"m","max_tokens":%d,"messages":[]}`, tokens))
}

// With shortest_first the least predicted work goes first, whoever came first.
func TestShortestFirst(t *testing.T) {
	p := newPuppet(t)
	s := queueing(10)
	s.queue.Order = balancer.ShortestFirst
	s.upstream.WantsWork = true
	s.upstream.Predictor = predict.New(predict.Options{})
	g := serve(t, s, p.address)
	first := dial(t, g)
	first.send(get)
	server := asked(t, p)
	for i, tokens := range []int{3000, 20, 400} {
		dial(t, g).send(chat(tokens))
		g.waiting(t, i+1)
	}
	server.send(plain("first"))
	for _, tokens := range []int{20, 400, 3000} {
		_, body := server.requestWhole()
		require.Contains(t, body, fmt.Sprintf(`"max_tokens":%d,`, tokens))
		server.send(plain("done"))
	}
}

// A reload that gives more slots lets those that wait begin, and loses none.
func TestReloadServesTheQueue(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, queueing(10), p.address)
	clients := []*peer{dial(t, g), dial(t, g), dial(t, g)}
	clients[0].send(get)
	servers := []*peer{asked(t, p)}
	clients[1].send(get)
	clients[2].send(get)
	g.waiting(t, 2)
	options := g.options
	options[0].Slots = 3
	require.NoError(t, g.pool.Apply(balancer.Options{Policy: g.policy}, options))
	g.waiting(t, 0)
	servers = append(servers, asked(t, p), asked(t, p))
	for _, server := range servers {
		server.send(plain("ok"))
	}
	for _, client := range clients {
		r, _ := client.answer()
		require.Equal(t, 200, r.StatusCode)
	}
}

// What was learned of a request: the predictor gets its work, the meter its time, and the
// request log a row.
func TestFinishedRequestsTeach(t *testing.T) {
	file := filepath.Join(t.TempDir(), "requests.csv")
	log, err := requestlog.Open(requestlog.Options{Path: file})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	logged := make(chan error, 1)
	go func() { logged <- log.Run(ctx) }()

	s := queueing(10)
	s.upstream.WantsWork, s.measured = true, true
	predictor := predict.New(predict.Options{})
	s.upstream.Predictor, s.requests = predictor, log
	learned := make(chan error, 1)
	go func() { learned <- predictor.Run(ctx) }()
	g := serve(t, s, answering(t, plain("ok")), answering(t, plain("ok")))

	client := dial(t, g)
	for range 80 {
		client.ask(chat(100))
	}
	r, _ := client.ask("GET /none HTTP/1.1\r\nHost: x.test\r\n\r\n")
	require.Equal(t, http.StatusOK, r.StatusCode)
	eventually(t, "all to have ended", func() bool { return g.accessed.Len() == 81 })
	eventually(t, "the predictor to have seen them", func() bool { return predictor.State().Models[0].Rows == 80 })
	stop()
	require.NoError(t, <-logged)
	require.NoError(t, <-learned)

	text, err := os.ReadFile(file)
	require.NoError(t, err)
	rows := strings.Split(strings.TrimSpace(string(text)), "\n")
	require.Len(t, rows, 1+81, "a header, and a row for each")
	require.Contains(t, rows[1], ",chat,a,m,")
	require.Contains(t, rows[1], ",answered,")
	require.Contains(t, rows[81], ",chat,", "the last asked for no model")
	require.NotContains(t, rows[81], ",m,")
	upstream := estimate.New([]estimate.Options{
		{Capacity: 100, Slots: 1, Meter: &g.targets[0].Meter},
		{Capacity: 100, Slots: 1, Meter: &g.targets[1].Meter, AutoCapacity: true},
	})
	require.NotEqual(t, 100.0, upstream.Tick(time.Second)[1].Capacity, "b was measured against a")
}

// A request that must look for another endpoint, because its own cannot be reached, is
// refused as any other when that is full.
func TestQueueRefusesWhoFindsTheOtherFull(t *testing.T) {
	for name, c := range map[string]struct {
		set    func(*settings)
		status int
		reason string
	}{
		"full":     {func(s *settings) { s.queue.MaxRequests = 0 }, 429, "full"},
		"too late": {func(s *settings) { s.queue.MaxWait = soon }, 503, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPuppet(t)
			s := queueing(1)
			s.capacities = []float64{1, 1000}
			c.set(&s)
			g := serve(t, s, refusing(t), p.address)
			first := dial(t, g)
			first.send(get)
			server := asked(t, p)
			r, _ := dial(t, g).ask(get)
			require.Equal(t, c.status, r.StatusCode)
			require.NotEmpty(t, r.Header.Get("Retry-After"))
			require.Equal(t, 1, g.count(t, "steelyard_queue_refused_total", "reason", c.reason))
			require.Zero(t, g.count(t, "steelyard_repeats_total"), "no other endpoint got it")
			require.Contains(t, g.ending(t).failure, "refused", "the log has the cause")
			server.send(plain("one"))
			first.answer()
		})
	}
}

// Another try does not wait in the queue for longer than retries may begin.
func TestRetryWaitsNoLongerThanItMay(t *testing.T) {
	t.Parallel()
	p := newPuppet(t)
	s := queueing(10)
	s.capacities = []float64{1, 1000}
	s.upstream.Retry = retry.Default()
	s.upstream.Retry.Within = 20 * soon
	g := serve(t, s, refusing(t), p.address)
	first := dial(t, g)
	first.send(get)
	server := asked(t, p)
	r, body := dial(t, g).ask(get)
	require.Equal(t, 502, r.StatusCode, body)
	require.Equal(t, 1, g.count(t, "steelyard_queue_refused_total", "reason", "timeout"))
	g.waiting(t, 0)
	next := dial(t, g)
	next.send(getPath("/next"))
	g.waiting(t, 1)
	server.send(plain("one"))
	first.answer()
	require.Equal(t, "/next", server.request().URL.Path)
	server.send(plain("two"))
	_, body = next.answer()
	require.Equal(t, "two", body)
}

// With one of two endpoints dead, whoever is let in is served by the other: the dead one
// frees its slot at once and must not swallow those who wait.
func TestDeadEndpointDoesNotSwallowTheQueue(t *testing.T) {
	const clients = 24
	s := queueing(3)
	g := serve(t, s, refusing(t), answering(t, plain("ok")))
	var wg sync.WaitGroup
	var counts [3]atomic.Int64 // served, refused, anything else
	for range clients {
		c := dial(t, g)
		wg.Go(func() {
			for range 40 {
				c.send(get)
				r, _ := c.answer()
				switch r.StatusCode {
				case 200:
					counts[0].Add(1)
				case 429:
					counts[1].Add(1)
				default:
					counts[2].Add(1)
				}
			}
		})
	}
	wg.Wait()
	require.Positive(t, counts[0].Load())
	require.Zero(t, counts[2].Load())
}
