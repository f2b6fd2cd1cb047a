package proxy_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
)

// chatAnswer is what the warm paths carry.
var chatAnswer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Mon, 23 Nov 2026 10:00:00 GMT\r\nServer: x\r\nContent-Length: 300\r\n\r\n" + strings.Repeat("x", 300)

// warm is one request after another over connections that exist already.
func warm(tb testing.TB) func() {
	return warmed(tb, "capacity", post(strings.Repeat("y", 600)))
}

// warmed is warm with another policy, and another request.
func warmed(tb testing.TB, rule, text string) func() { return warmedWith(tb, defaults(), rule, text) }

// watched is warm where somebody wants to know who asks.
func watched(tb testing.TB, text string) func() {
	s := defaults()
	s.generation.Usage, s.generation.Trust = true, loopback
	return warmedWith(tb, s, "capacity", text)
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func warmedWith(tb testing.TB, s settings, rule, text string) func() {
	s.quiet = true
	var endpoints []string
	for range 4 {
		_, body, _ := strings.Cut(text, "\r\n\r\n")
		endpoints = append(endpoints, swallowing(tb, chatAnswer, len(body)))
	}
	g := serve(tb, s, endpoints...)
	builder, err := policy.Lookup(rule)
	require.NoError(tb, err)
	require.NoError(tb, g.pool.Apply(balancer.Options{Policy: builder}, g.options))
	c := dial(tb, g)
	require.NoError(tb, c.SetDeadline(time.Time{}))
	request := []byte(text)
	answer := make([]byte, 4096)
	return func() {
		if _, err := c.Write(request); err != nil {
			tb.Fatal(err)
		}
		n, err := c.Read(answer)
		if err != nil || n < 300 {
			tb.Fatal(n, err)
		}
	}
}

// BenchmarkExchange is one request over warm connections: two sockets, four
// copies, all of the handler. Its allocations must stay at zero.
func BenchmarkExchange(b *testing.B) {
	exchange := warm(b)
	b.ReportAllocs()
	for b.Loop() {
		exchange()
	}
}

// BenchmarkUsage is one request where nobody wants to know who asks, and where somebody does.
func BenchmarkUsage(b *testing.B) {
	for _, size := range []int{600, 4 << 10, 48 << 10} {
		for what, start := range map[string]func(testing.TB, string) func(){"off": func(tb testing.TB, text string) func() { return warmed(tb, "capacity", text) }, "on": watched} {
			b.Run(fmt.Sprintf("%s/%d", what, size), func(b *testing.B) {
				exchange := start(b, chatOf(size))
				b.ReportAllocs()
				for b.Loop() {
					exchange()
				}
			})
		}
	}
}

// chatOf is a chat of about so many bytes.
func chatOf(n int) string {
	text := strings.Repeat(`{"role":"user","content":"What is a steelyard, and why has it arms of unequal length?\n"},`, n/91+1)
	return post(`{"model":"meta-llama/Llama-3.1-8B-Instruct","messages":[` + strings.TrimSuffix(text, ",") + `],"max_tokens":256}`)
}

// BenchmarkPolicies is one request by the policy that reads no prompts, and by the one that does.
func BenchmarkPolicies(b *testing.B) {
	for _, size := range []int{4 << 10, 48 << 10} {
		for _, rule := range []string{"least_load", "least_cost"} {
			b.Run(fmt.Sprintf("%s/%d", rule, size), func(b *testing.B) {
				exchange := warmed(b, rule, chatOf(size))
				b.ReportAllocs()
				for b.Loop() {
					exchange()
				}
			})
		}
	}
}
