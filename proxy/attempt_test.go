package proxy_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/proxy/front"
)

// byTwo is a gateway that serves each request by two attempts at once, at two endpoints.
func byTwo(t *testing.T) (g *gateway, one, other *puppet) {
	one, other = newPuppet(t), newPuppet(t)
	s := defaults()
	s.slots = 1
	var serving atomic.Pointer[gateway]
	s.front.Handler = func(c *front.Conn) { serving.Load().handler.ServeByTwo(c) }
	g = serve(t, s, one.address, other.address)
	serving.Store(g)
	return g, one, other
}

// The faster of two attempts answers. The other one's connection ends, and all that both held
// is given back: see rests.
func TestTwoAttemptsSideBySide(t *testing.T) {
	for name, request := range map[string]string{"GET": get, "POST": post("hello"), "large": post(strings.Repeat("x", 1<<20))} {
		t.Run(name, func(t *testing.T) {
			g, one, other := byTwo(t)
			c := dial(t, g)
			c.send(request)
			slow, fast := one.accept(t), other.accept(t)
			slow.request()
			fast.request()
			fast.send(plain("the faster"))
			r, body := c.answer()
			require.Equal(t, 200, r.StatusCode)
			require.Equal(t, "the faster", body)
			slow.ends()
			eventually(t, "the other to be let go", func() bool {
				return g.finished(balancer.Answered) == 1 && g.finished(balancer.Refused) == 1
			})
		})
	}
}

// A client that leaves ends both.
func TestBothAttemptsEndWithTheExchange(t *testing.T) {
	g, one, other := byTwo(t)
	c := dial(t, g)
	c.send(get)
	first, second := one.accept(t), other.accept(t)
	first.request()
	second.request()
	c.close()
	first.ends()
	second.ends()
}
