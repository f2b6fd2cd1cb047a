package proxy_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/cost"
)

// A server's sums follow a stream from the request to its end.
func TestServersHearOfTokens(t *testing.T) {
	p := newPuppet(t)
	s := defaults()
	s.policy = "least_cost"
	g := serve(t, s, p.address)
	load := g.pool.Snapshot().Endpoints[0].Endpoint.Load()
	state := func(what string, want cost.State) {
		t.Helper()
		eventually(t, what, func() bool { return stateOf(load) == want })
	}
	client := dial(t, g)
	client.send(post(`{"stream":true,"prompt":"` + fmt.Sprintf("%4000d", 1) + `"}`))
	up := p.accept(t)
	up.requestWhole()
	state("the prompt to be read", cost.State{Reading: 1, Work: 1025, Context: 1000})
	up.send(streamHead)
	state("the head of the answer to say nothing", cost.State{Reading: 1, Work: 1025, Context: 1000})
	client.head()
	up.send(chunk("data: {}\n\n"))
	client.expect(chunk("data: {}\n\n"))
	state("the first token", cost.State{Writing: 1, Context: 1001})
	up.send(chunk("data: {}\n\ndata: {}\n"))
	client.expect(chunk("data: {}\n\ndata: {}\n"))
	state("two more", cost.State{Writing: 1, Context: 1003})
	last := chunk("\ndata: {\"usage\":{\"prompt_tokens\":2000,\"completion_tokens\":8}}\n\ndata: [DONE]\n\n") + "0\r\n\r\n"
	up.send(last)
	client.expect(last)
	state("nothing", cost.State{})

	client.send(post(`{"prompt":"` + fmt.Sprintf("%4000d", 1) + `"}`))
	up.requestWhole()
	held := stateOf(load).Context
	require.Greater(t, held, int64(1000), "a token has fewer bytes than was thought")
	up.send(plain(`{"usage":{"prompt_tokens":2000,"completion_tokens":8}}`))
	client.head()
	state("nothing", cost.State{})
}

// A policy that wants to know nothing is told nothing.
func TestServersHearNothingUnasked(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, defaults(), p.address)
	client, up := begin(t, g, p, streamHead+chunk("data: {}\n\n"))
	client.head()
	client.expect(chunk("data: {}\n\n"))
	require.Zero(t, stateOf(g.pool.Snapshot().Endpoints[0].Endpoint.Load()))
	up.send("0\r\n\r\n")
	client.expect("0\r\n\r\n")
}

// A client that takes its answer slowly does not make its server look slow. The server writes as fast as it can, and the client
// takes some of it now and then.
func TestSlowClientMakesNoServerSlow(t *testing.T) {
	overBoth(t, func(t *testing.T, s settings) {
		p := newPuppet(t)
		s.policy = "least_cost"
		g := serve(t, s, p.address)
		server := g.pool.Snapshot().Endpoints[0].Endpoint.Load().Server()
		client, up := stuckStreamOf(t, g, p, streamHead, "data: "+strings.Repeat("x", 64<<10)+"\n\n")
		const rounds, some = 3, 16 << 20 // bytes: more than all sockets hold
		stuck := time.Duration(0)
		for range rounds {
			_, err := io.CopyN(io.Discard, client.br, some)
			require.NoError(t, err)
			taken, begin := -1, time.Now()
			eventually(t, "the stream to stop moving", func() bool {
				was := taken
				taken = g.count(t, "steelyard_bytes_total", "peer", "upstream", "direction", "received")
				passes(4 * soon)
				return taken == was
			})
			stuck += time.Since(begin)
		}
		server.Lock()
		pace, state := server.Pace(), server.State()
		server.Unlock()
		require.EqualValues(t, 1, state.Writing)
		require.Less(t, pace.Step+pace.Slope*float64(state.Context), stuck.Seconds()/rounds/4, "of an event; the client made it wait for four times that")
		client.reset()
		up.ends()
	})
}
