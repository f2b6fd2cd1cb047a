package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/proxy/retry"
)

// byTwo is a gateway that sends each request to a second endpoint as soon as it was sent to the first.
func byTwo(t *testing.T, change ...func(*settings)) (g *gateway, first, second *puppet) {
	first, second = newPuppet(t), newPuppet(t)
	s := hasty()
	s.slots = 1
	s.upstream.Hedge = retry.Hedge{After: 1, Ratio: 1, Budget: new(retry.Budget)}
	for _, c := range change {
		c(&s)
	}
	return serve(t, s, first.address, second.address), first, second
}

// both are the connections of one request at both endpoints, whose request has been read.
func both(t *testing.T, g *gateway, first, second *puppet) (one, other *peer) {
	one, other = first.accept(t), second.accept(t)
	one.request()
	other.request()
	require.EqualValues(t, 2, g.inFlight())
	return one, other
}

var hedged = map[string]string{"GET": get, "POST": post("hello"), "large": post(strings.Repeat("x", 1<<20))}

// The faster of two attempts answers, whichever it is. The other one's connection ends while the answer still
// goes on, it counts against nobody, and all that both held is given back: see rests.
func TestFasterOfTwoAnswers(t *testing.T) {
	for name, request := range hedged {
		for _, faster := range []string{"first", "second"} {
			t.Run(name+" "+faster, func(t *testing.T) {
				g, first, second := byTwo(t)
				c := dial(t, g)
				c.send(request)
				fast, slow := both(t, g, first, second)
				result, at := "lost", "a"
				if faster == "second" {
					fast, slow, result, at = slow, fast, "won", "b"
				}
				fast.send(streamHead + chunk("data: 1\n\n"))
				require.Contains(t, c.head(), "200 OK")
				slow.ends()
				eventually(t, "the other to be let go", func() bool { return g.finished(balancer.Refused) == 1 && g.inFlight() == 1 })
				fast.send("0\r\n\r\n")
				text, err := io.ReadAll(unchunk(c))
				require.NoError(t, err)
				require.Equal(t, "data: 1\n\n", string(text))
				eventually(t, "the faster to be told of", func() bool { return g.finished(balancer.Answered) == 1 })
				require.Equal(t, 1, g.count(t, "steelyard_hedges_total", "result", result))
				require.Zero(t, g.count(t, "steelyard_repeats_total"))
				require.Equal(t, at, g.ending(t).endpoint)
			})
		}
	}
}

// A client that leaves ends both.
func TestBothAttemptsEndWithTheExchange(t *testing.T) {
	g, first, second := byTwo(t)
	c := dial(t, g)
	c.send(get)
	one, other := both(t, g, first, second)
	c.close()
	one.ends()
	other.ends()
	require.Equal(t, 499, g.ending(t).status)
	require.EqualValues(t, 2, g.finished(balancer.ClientGone))
}

// An error of one does not end the other: that may yet answer.
func TestHedgeTakesTheBetter(t *testing.T) {
	for name, c := range map[string]struct{ bad, at string }{
		"the first fails":       {failing(503, "a"), "first"},
		"the first breaks off":  {"", "first"},
		"the second fails":      {failing(503, "b"), "second"},
		"the second breaks off": {"", "second"},
	} {
		t.Run(name, func(t *testing.T) {
			g, first, second := byTwo(t)
			client := dial(t, g)
			client.send(post("hello"))
			bad, good := both(t, g, first, second)
			if c.at == "second" {
				bad, good = good, bad
			}
			if bad.send(c.bad); c.bad == "" {
				bad.close()
			}
			eventually(t, "the worse to end", func() bool { return g.inFlight() == 1 })
			good.send(plain("good"))
			_, body := client.answer()
			require.Equal(t, "good", body)
			require.Zero(t, g.count(t, "steelyard_repeats_total"))
		})
	}
}

// Where both fail, the rules of retries hold for both: neither is asked again, and the client
// gets the real answer.
func TestBothAttemptsFail(t *testing.T) {
	for name, answers := range map[string][2]string{
		"both answer": {failing(503, "a"), failing(502, "b")}, "the second breaks": {failing(503, "a"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			g, first, second := byTwo(t)
			c := dial(t, g)
			c.send(post("hello"))
			one, other := both(t, g, first, second)
			if other.send(answers[1]); answers[1] == "" {
				other.close()
			}
			eventually(t, "the second to end", func() bool { return g.inFlight() == 1 })
			one.send(answers[0])
			_, body := c.answer()
			require.Equal(t, "a", body)
			require.True(t, first.idle() && second.idle())
			eventually(t, "that to be counted", func() bool { return g.count(t, "steelyard_hedges_total", "result", "failed") == 1 })
		})
	}
}

// Requests that are not to be done twice are at one endpoint at a time, and so are all
// while no other has a slot free, or the budget is spent.
func TestNoHedge(t *testing.T) {
	for name, c := range map[string]struct {
		request string
		set     func(*settings)
	}{
		"an order":           {order("x"), nil},
		"a body not held":    {post("xx"), func(s *settings) { s.generation.ReplayBytes = 1 }},
		"an upgrade":         {strings.Replace(get, "\r\n\r\n", "\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", 1), nil},
		"answered before":    {get, func(s *settings) { s.upstream.Hedge.After = never }},
		"nothing is learned": {get, func(s *settings) { s.upstream.Hedge = retry.Hedge{Delays: new(retry.Delays)} }},
	} {
		t.Run(name, func(t *testing.T) {
			g, first, second := byTwo(t, func(s *settings) {
				if c.set != nil {
					c.set(s)
				}
			})
			client := dial(t, g)
			client.send(c.request)
			up := first.accept(t)
			up.requestWhole()
			passes(soon)
			up.send(plain("a"))
			_, body := client.answer()
			require.Equal(t, "a", body)
			require.True(t, second.idle())
			require.Zero(t, g.count(t, "steelyard_hedges_total"))
		})
	}
}

// Under load, with endpoints that are now fast and now slow, nothing is lost and nothing is left over. What is
// learned of delays makes some requests hedged.
func TestHedgesUnderLoad(t *testing.T) {
	const clients, each = 8, 60
	random := newDice(7, 1)
	play := func(c net.Conn, br *bufio.Reader) {
		for {
			r, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return
			}
			if random.roll(10) == 0 {
				<-time.After(soon)
			}
			if _, err := io.WriteString(c, plain("ok")); err != nil {
				return
			}
		}
	}
	s := defaults()
	s.upstream.Hedge = retry.Hedge{Delays: new(retry.Delays), Ratio: 1, Budget: new(retry.Budget)}
	for range 60 {
		s.upstream.Hedge.Delays.See(soon / 5)
	}
	g := serve(t, s, endpoint(t, play), endpoint(t, play), endpoint(t, play))
	var all sync.WaitGroup
	for i := range clients {
		request := get
		if i%2 == 1 {
			request = post(strings.Repeat("x", 20<<10))
		}
		all.Go(func() {
			c := dial(t, g)
			defer func() { c.close() }()
			for range each {
				r, body := c.ask(request)
				if r.StatusCode != 200 || body != "ok" {
					t.Errorf("%s %q", r.Status, body)
					return
				}
				if r.Close { // its upload was not known to have ended
					c.close()
					c = dial(t, g)
				}
			}
		})
	}
	all.Wait()
	g.rests(t)
	require.EqualValues(t, clients*each, g.finished(balancer.Answered))
	won, lost := g.count(t, "steelyard_hedges_total", "result", "won"), g.count(t, "steelyard_hedges_total", "result", "lost")
	require.Positive(t, won)
	// One that comes too late by a moment has its lease already, and gives it back: it is no hedge.
	require.GreaterOrEqual(t, int(g.finished(balancer.Refused)), won+lost, "each hedge has one that lost")
	for _, class := range []balancer.OutcomeClass{balancer.ConnectFailed, balancer.Failed, balancer.TimedOut, balancer.Truncated, balancer.ClientGone} {
		require.Zero(t, g.finished(class), "nobody is blamed")
	}
}
