// What the demo tells its user to try.

package demo

import (
	"fmt"
	"strings"

	"github.com/steelyard-proxy/steelyard/bench/backend"
)

// places are where everything runs.
type places struct {
	gateway, admin string // base URLs
	fleet          fleet
}

// addressLines say what runs where.
func (p places) addressLines() string {
	var b strings.Builder
	fmt.Fprintf(&b, "  gateway  %-26s OpenAI-compatible, base URL %s/v1, model %s\n", p.gateway, p.gateway, backend.DefaultModel)
	fmt.Fprintf(&b, "  page     %-26s all of it at a glance: alerts, events, usage, recommendations\n", p.admin+"/")
	fmt.Fprintf(&b, "  admin    %-26s /metrics, /readyz, /api/v1/upstreams\n", p.admin)
	for i, s := range p.fleet {
		fmt.Fprintf(&b, "  %-8s %-26s simulated server, capacity %g requests/s\n", s.Name(), s.URL(), capacities[i].capacity)
	}
	return b.String()
}

// guide is the text that a user reads first.
func (p places) guide(s settings) string {
	load := fmt.Sprintf("%.0f requests/s, half of them streams: %.0f %% of what the servers can do", loadRate(), 100*loadRatio)
	if s.noLoad {
		load = "none (--no-load)"
	}
	first := p.fleet[0]
	chat := fmt.Sprintf("curl %s/v1/chat/completions -H 'Content-Type: application/json' -d", p.gateway)
	message := fmt.Sprintf(`"model":%q,"messages":[{"role":"user","content":"Hello"}]`, backend.DefaultModel)
	var kinds []string
	for _, kind := range backend.Faults() {
		kinds = append(kinds, string(kind))
	}
	return fmt.Sprintf(`steelyard demo: three simulated inference servers of unequal capacity behind one gateway.

%s  load     %s

Try it from another terminal:
  %s '{%s}'
  %s '{%s,"stream":true,"max_tokens":200}' --no-buffer
  curl %s/api/v1/upstreams

Make one server fail its health check, watch it leave and its share go to the
others, and let it return:
  curl -X POST '%s/fault?kind=fail-health'
  curl -X POST '%s/fault?kind=none'
Other kinds: %s.
Add &for=10s to have one end by itself.

Interrupt (Ctrl-C) to stop.
`, p.addressLines(), load, chat, message, chat, message, p.admin, first.URL(), first.URL(), strings.Join(kinds[1:], ", "))
}

// elasticGuide is the same where the gateway starts the servers.
func (p places) elasticGuide(s settings) string {
	load := fmt.Sprintf("%.0f requests/s at night, %.0f at noon", nightRate, noonRate)
	if s.noLoad {
		load = "none (--no-load)"
	}
	return fmt.Sprintf(`steelyard demo --elastic: a day in %s. The gateway starts and stops simulated servers, each a process of
this machine, as the load asks for: 1 to %d of %g requests/s each.

%s  load     %s

Try it from another terminal:
  curl %s/api/v1/autoscale
  curl %s/api/v1/events
  ps ax | grep 'demo server' and kill one with kill -9: it is started again

Interrupt (Ctrl-C) to stop; the servers end with the gateway, even if that is killed.
`, s.day, mostServers, dayCapacity, p.addressLines(), load, p.admin, p.admin)
}
