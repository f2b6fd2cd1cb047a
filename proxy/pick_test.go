package proxy_test

import (
	"math"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/proxy"
)

// TestPickHeader: where it is asked for, each answer says which endpoint it is from and why, by the parts
// of the cost where the policy goes by cost; another gateway's word behind it is not passed on.
func TestPickHeader(t *testing.T) {
	s := defaults()
	behind := answering(t, "HTTP/1.1 200 OK\r\nX-Steelyard-Pick: \"other\"\r\nContent-Length: 2\r\n\r\nok")
	g := serve(t, s, behind)
	r, _ := dial(t, g).ask(get)
	require.Equal(t, []string{`"other"`}, r.Header.Values("X-Steelyard-Pick"), "off by default: it is an answer's as any")

	s = defaults()
	s.upstream.PickHeader = true
	g = serve(t, s, behind)
	r, _ = dial(t, g).ask(get)
	require.Equal(t, []string{`"a";in_flight=0;capacity=100`}, r.Header.Values("X-Steelyard-Pick"))

	s.policy = "least_cost"
	g = serve(t, s, behind)
	c := dial(t, g)
	r, _ = c.ask(get)
	const ms = `=\d+\.\d{3};`
	require.Regexp(t, regexp.MustCompile(`^"a";cost_ms`+ms+`waiting_ms`+ms+`reading_ms`+ms+`stalls_ms`+ms+`writing_ms`+ms+`in_flight=0;capacity=100$`), r.Header.Get("X-Steelyard-Pick"))

	p := newPuppet(t)
	s = defaults()
	s.upstream.PickHeader = true
	g = serve(t, s, p.address)
	c = dial(t, g)
	p.die()
	r, _ = c.ask(get)
	require.Equal(t, http.StatusBadGateway, r.StatusCode)
	require.Empty(t, r.Header.Values("X-Steelyard-Pick"), "no endpoint has answered")
}

// TestPickHeaderOfOddNames: whatever a name has, the field is one that can be read.
func TestPickHeaderOfOddNames(t *testing.T) {
	require.Equal(t, "X-Steelyard-Pick: \"a\\\"b\\\\c??\";in_flight=3;capacity=0.5\r\n",
		proxy.PickField("a\"b\\cé", balancer.Choice{InFlight: 3, Capacity: 0.5}))
	require.Contains(t, proxy.PickField("a", balancer.Choice{ByCost: true, Waiting: math.Inf(1), Reading: math.NaN()}), "waiting_ms=999999999999.000;")
}
