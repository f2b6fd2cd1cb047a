package proxy_test

import (
	"fmt"
	"testing"

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
