// The simulated servers, and the configuration for them.

package demo

import (
	"fmt"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/backend"
	"github.com/steelyard-proxy/steelyard/bench/engine"
)

const upstreamName = "chat"

// The simulated servers. With these numbers a unit of work, 32 tokens, takes
// 320, 160 and 213 ms: slow enough to watch a stream, short enough for a few
// seconds of load to show the shares.
const (
	slots      = 32
	unitTokens = 32
	firstToken = 40 * time.Millisecond
)

var capacities = []struct {
	name     string
	capacity float64 // requests per second
}{{"small", 100}, {"large", 200}, {"medium", 150}}

// fleet is the simulated servers, in the order of the table.
type fleet []*backend.Server

func newFleet() (fleet, error) {
	var f fleet
	for seed, c := range capacities {
		s, err := backend.New(backend.Options{
			Name: c.name, UnitTokens: unitTokens,
			Engine: engine.Options{Capacity: c.capacity, Slots: slots, FirstToken: firstToken},
			Work:   backend.Exponential, Seed: uint64(seed),
		})
		if err != nil {
			return nil, err
		}
		f = append(f, s)
	}
	return f, nil
}

// configuration is the file a user would write for this fleet. Probes are
// frequent and slow starts short, so that one can watch a server leave and return. The shutdown is
// short, because it comes from an interrupt key.
func (f fleet) configuration(s settings) string {
	var endpoints strings.Builder
	for i, server := range f {
		fmt.Fprintf(&endpoints, "      - {name: %s, url: %q, capacity: %g}\n", server.Name(), server.URL(), capacities[i].capacity)
	}
	return fmt.Sprintf(`listen: [{address: %q}]
admin: {address: %q}
timeouts: {shutdown: 3s}
upstreams:
  - name: %s
    endpoints:
%s    health: {path: /health, interval: 1s, timeout: 500ms, unhealthy_threshold: 2, healthy_threshold: 2}
    slow_start: 5s
`, s.listen, s.admin, upstreamName, endpoints.String())
}
