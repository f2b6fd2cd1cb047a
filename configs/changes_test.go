package configs

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChanges(t *testing.T) {
	const was = `
listen: [{address: ":1"}, {address: ":2"}]
upstreams:
  - name: chat
    endpoints: [{name: a, url: "http://127.0.0.1:9001"}, {name: b, url: "http://127.0.0.1:9002"}, {name: c, url: "http://127.0.0.1:9003"}]
  - {name: other, endpoints: [{url: "http://127.0.0.1:9004"}]}
routes: [{path: /, upstream: chat}, {host: h, path: /x, upstream: other}]
`
	const is = `
listen: [{address: ":1"}, {address: ":3"}]
limits: {body_bytes: 5MiB}
log: {level: debug}
upstreams:
  - name: chat
    policy: random
    endpoints:
      - {name: c, url: "http://127.0.0.1:9003"}
      - {name: a, url: "https://127.0.0.1:9001", capacity: 7, tls: {insecure: true}}
      - {name: d, url: "http://127.0.0.1:9005"}
  - {name: third, endpoints: [{url: "http://127.0.0.1:9004"}]}
routes: [{path: /, upstream: chat}, {host: h, path: /x, upstream: chat}]
`
	read := func(text string) *Config {
		c, err := Parse("c.yaml", []byte(text), nil)
		require.NoError(t, err)
		return c
	}
	require.Empty(t, Changes(read(was), read(was)))
	require.Equal(t, []Change{
		{"listen[:3]", Added},
		{"listen[:2]", Removed},
		{"log.level", Changed},
		{"limits.body_bytes", Changed},
		{"upstreams[chat].policy", Changed},
		{"upstreams[chat].endpoints[a].url", Changed},
		{"upstreams[chat].endpoints[a].capacity", Changed},
		{"upstreams[chat].endpoints[a].tls", Added},
		{"upstreams[chat].endpoints[d]", Added},
		{"upstreams[chat].endpoints[b]", Removed},
		{"upstreams[chat].endpoints", Moved},
		{"upstreams[third]", Added},
		{"upstreams[other]", Removed},
		{"routes[h/x].upstream", Changed},
	}, Changes(read(was), read(is)))
}
