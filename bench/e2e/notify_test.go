package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// watched is a configuration that watches endpoints each second and keeps what it knows; more is its receivers.
func watched(t *testing.T, more string) string {
	t.Helper()
	return fmt.Sprintf(`
alerts:
  interval: 1s
  defaults: false
  state_file: %q
  rules:
    - {name: no-endpoint, severity: page, on: upstream, metric: steelyard_endpoint_eligible, fn: value, below: 1, for: 0s}
    - {name: endpoint-down, severity: ticket, on: endpoint, metric: steelyard_endpoint_eligible, fn: value, below: 1, for: 0s}
notify:
%s`, filepath.Join(t.TempDir(), "alerts.json"), more)
}

// sink is notify.mjs, running.
type sink struct {
	*process
	url string
}

// startSink starts notify.mjs, which checks signatures by the secret.
func startSink(t *testing.T, secret string) *sink {
	t.Helper()
	file := filepath.Join(nodeFolder(t, "notify.mjs", "standardwebhooks@1"), "notify.mjs")
	address := freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	s := &sink{process: start(t, nil, "node", file, port, secret), url: "http://" + address}
	eventually(t, "the sink listens", func() bool { return status(s.url+"/told") == 200 })
	return s
}

// way is what was told at one path.
type way struct {
	Attempts int
	IDs      []string
	Taken    []struct {
		ID     string
		Alerts []string
	}
}

func (s *sink) told(t *testing.T) map[string]way {
	t.Helper()
	var all struct {
		Told  map[string]way
		Wrong []string
	}
	require.NoError(t, json.Unmarshal([]byte(get(t, s.url+"/told")), &all))
	require.Empty(t, all.Wrong, "every attempt has a good signature")
	return all.Told
}

// number is the value of a series; -1 if it is not there.
func number(t *testing.T, g *gateway, series string) float64 {
	t.Helper()
	for line := range strings.Lines(get(t, g.admin+"/metrics")) {
		if text, is := strings.CutPrefix(line, series+" "); is {
			n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			require.NoError(t, err)
			return n
		}
	}
	return -1
}

// TestBadReceiversGetEachAlertOnce, by its webhook-id: from one that fails, asks for an hour, hangs, cuts, or leads astray,
// and over a kill -9 of the gateway. Two keys sign; the receiver knows the second one.
func TestBadReceiversGetEachAlertOnce(t *testing.T) {
	const secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
	s := startSink(t, secret)
	keys := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(keys, []byte("an old key, of 24 bytes or more\n"+secret+"\n"), 0o600))
	paths, receivers := []string{"/fails", "/later", "/hangs", "/cuts", "/leads-astray"}, ""
	for _, path := range paths {
		receivers += fmt.Sprintf("  - {name: %q, kind: webhook, url: %q, secret_file: %q, group_wait: 1s, interval: 1s, timeout: 2s}\n", path[1:], s.url+path, keys)
	}
	servers := threeServers(t)
	g := serve(t, watched(t, receivers), servers...)
	name := servers[1].name
	servers[1].kill(t)
	eventually(t, "those that can be told are told", func() bool {
		told := s.told(t)
		return len(told["/fails"].Taken) == 1 && len(told["/hangs"].Taken) == 1 && len(told["/cuts"].Taken) == 1 &&
			told["/later"].Attempts > 0 && told["/leads-astray"].Attempts > 0
	})
	eventually(t, "it knows that they are", func() bool {
		return number(t, g, `steelyard_notify_messages_total{receiver="hangs",result="delivered"}`) == 1 &&
			number(t, g, `steelyard_notify_messages_total{receiver="leads-astray",result="refused"}`) == 1 &&
			number(t, g, `steelyard_notify_messages_waiting{receiver="later"}`) == 1 && number(t, g, `steelyard_notify_failing{receiver="later"}`) == 1
	})
	told := s.told(t)
	require.Equal(t, 3, told["/fails"].Attempts)
	require.Equal(t, 1, told["/later"].Attempts)
	require.Equal(t, 1, told["/leads-astray"].Attempts)

	g.kill(t)
	require.Equal(t, 200, status(s.url+"/well"))
	g.again(t)
	eventually(t, "what waited is told", func() bool { return len(s.told(t)["/later"].Taken) == 1 })

	servers[1].run(t)
	eventually(t, "everybody hears of the end", func() bool {
		for _, path := range paths {
			if taken := s.told(t)[path].Taken; len(taken) == 0 || taken[len(taken)-1].Alerts[0] != "resolved endpoint-down "+name {
				return false
			}
		}
		return true
	})
	told = s.told(t)
	for _, path := range paths {
		heard, seen := map[string]int{}, map[string]bool{}
		for _, one := range told[path].Taken {
			if seen[one.ID] { // it was under way when the gateway was killed
				continue
			}
			seen[one.ID] = true
			for _, alert := range one.Alerts {
				heard[alert]++
			}
		}
		want := map[string]int{"firing endpoint-down " + name: 1, "resolved endpoint-down " + name: 1}
		if path == "/leads-astray" { // it refused the first, and the second says both
			delete(want, "firing endpoint-down "+name)
		}
		require.Equal(t, want, heard, path)
		require.Len(t, told[path].IDs, 2, path)
	}
	require.NotContains(t, told, "/astray")
	require.Equal(t, told["/fails"].IDs, told["/cuts"].IDs, "the same message has the same id wherever it goes")
	g.signal(t, 15)
	require.Zero(t, g.exits(t))
}
