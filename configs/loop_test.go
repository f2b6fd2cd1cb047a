package configs

import (
	"fmt"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheGatewayIsNotItsOwnEndpoint is of a machine that is 192.0.2.7 and 2001:db8::7.
func TestTheGatewayIsNotItsOwnEndpoint(t *testing.T) {
	for _, c := range []struct {
		listen, url string
		loop        bool
	}{
		{"127.0.0.1:8080", "http://127.0.0.1:8080", true},
		{"127.0.0.1:8080", "https://127.0.0.1:8080", true},
		{"127.0.0.1:8080", "http://localhost:8080", true},
		{"127.0.0.1:8080", "http://LOCALHOST.:8080", true},
		{"localhost:8080", "http://127.0.0.1:8080", true},
		{"127.0.0.1:8080", "http://0.0.0.0:8080", true},
		{"[::1]:8080", "http://[::]:8080", true},
		{"[::1]:8080", "http://[0:0::1]:8080", true},
		{":8080", "http://127.0.0.1:8080", true},
		{":8080", "http://127.9.9.9:8080", true},
		{":8080", "http://[::1]:8080", true},
		{":8080", "http://localhost:8080", true},
		{":80", "http://localhost", true},
		{"0.0.0.0:8080", "http://192.0.2.7:8080", true},
		{"[::]:8080", "http://[2001:db8::7]:8080", true},
		{":8080", "http://[::ffff:192.0.2.7]:8080", true},
		{"192.0.2.7:8080", "http://192.0.2.7:8080", true},
		{"gateway.example:8080", "http://Gateway.example:8080", true},

		{"127.0.0.1:8080", "http://127.0.0.1:8081", false},
		{"127.0.0.1:8080", "http://127.0.0.2:8080", false},
		{"127.0.0.1:8080", "http://192.0.2.7:8080", false},
		{"127.0.0.1:8080", "http://[::1]:8080", false},
		{"192.0.2.7:8080", "http://localhost:8080", false},
		{":8080", "http://192.0.2.8:8080", false},
		{":8080", "http://gateway.example:8080", false},
		{"127.0.0.1:0", "http://127.0.0.1:80", false},
		{"unix:/run/a.sock", "http://127.0.0.1:80", false},
	} {
		r := newReport("c.yaml")
		r.interfaces = func() ([]net.Addr, error) {
			_, v4, _ := net.ParseCIDR("192.0.2.7/32")
			_, v6, _ := net.ParseCIDR("2001:db8::7/128")
			return []net.Addr{v4, v6}, nil
		}
		_, err := r.parse(fmt.Appendf(nil, "listen: [{address: %q}]\nupstreams: [{endpoints: [{url: %q}]}]\n", c.listen, c.url), nil)
		if !c.loop {
			require.NoError(t, err, "%+v", c)
			continue
		}
		require.EqualError(t, err, fmt.Sprintf("c.yaml:2: upstreams[0].endpoints[0].url: leads back to this gateway: listen[0].address listens on %q: "+
			"give the address of the inference server, or give the gateway another port", c.listen), "%+v", c)
	}
}

// TestDefaultListenersAreNoEndpointsEither are on 8080 and, for the operators, on 9090.
func TestDefaultListenersAreNoEndpointsEither(t *testing.T) {
	_, err := Parse("c.yaml", []byte(`upstreams: [{endpoints: [{url: "http://localhost:8080"}, {url: "http://localhost:9090"}]}]`), nil)
	require.ErrorContains(t, err, `endpoints[0].url: leads back to this gateway: listen[0].address listens on "127.0.0.1:8080"`)
	require.ErrorContains(t, err, `endpoints[1].url: leads back to this gateway: admin.address listens on "127.0.0.1:9090"`)
}
