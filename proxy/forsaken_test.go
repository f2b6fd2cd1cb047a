package proxy_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// Who waits for an endpoint without a byte of an answer is released when it is given up,
// whatever its connection is. What may be done twice goes elsewhere, and nothing else does;
// streams that have begun go on.
func TestForsakenEndpointReleasesWhoWaits(t *testing.T) {
	for name, request := range map[string]string{
		"GET": get, "POST": post("hello"), "large": post(strings.Repeat("x", 1<<20)), "order": order("hello"),
		"half a body": "POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 10000000\r\n\r\nhello",
	} {
		t.Run(name, func(t *testing.T) {
			p := newPuppet(t)
			s := defaults()
			s.capacities = []float64{1e6, 1}
			g := serve(t, s, p.address, answering(t, plain("elsewhere")))
			up := warmUp(t, g, p)

			waits := dial(t, g)
			waits.send(request)
			up.expect(request[:4])
			streams := dial(t, g)
			streams.send(get)
			second := p.accept(t)
			second.request()
			second.send(streamHead + chunk("data: 1\n\n"))
			require.Contains(t, streams.head(), "200 OK")

			conns := g.targets[0].Conns
			require.Equal(t, 1, conns.Forsake())
			r, body := waits.answer()
			if name == "order" || name == "half a body" {
				require.Equal(t, 504, r.StatusCode)
				require.Contains(t, body, `"code":"probes_failed"`)
				require.Contains(t, body, "endpoint a")
				require.Zero(t, g.count(t, "steelyard_repeats_total"))
			} else {
				require.Equal(t, "elsewhere", body)
				require.Equal(t, 1, g.count(t, "steelyard_repeats_total", "reason", "silent"))
			}
			require.True(t, p.idle())

			second.send(chunk("data: 2\n\n") + "0\r\n\r\n")
			rest := make([]byte, len("data: 1\n\ndata: 2\n\n"))
			_, err := unchunk(streams).Read(rest[:9])
			require.NoError(t, err)
			require.Zero(t, conns.Forsake(), "its answer has begun")
			eventually(t, "the failure to be held against the endpoint", func() bool { return g.finished(balancer.TimedOut) == 1 })
		})
	}
}
