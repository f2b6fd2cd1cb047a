package configs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// examine returns the notes on a configuration, one line each, without the name of the file.
func examine(t *testing.T, text string, env ...string) (lines []string, notes []Note) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	cfg, notes, err := Examine(file, env)
	require.NoError(t, err)
	require.NotNil(t, cfg)
	for _, note := range notes {
		for _, problem := range note.List {
			lines = append(lines, strings.TrimPrefix(problem.String(), file+":"))
		}
	}
	return lines, notes
}

// TestSettingsWithoutEffectAreNoted has one kind a line; the first line of each configuration is line 1 of the file.
func TestSettingsWithoutEffectAreNoted(t *testing.T) {
	const idle = "endpoints: [{url: \"http://a\"}]"
	const slots = "endpoints: [{url: \"http://a\", slots: 4}]"
	for text, want := range map[string]string{
		"anomalies: {enabled: false, enforce: true}\nupstreams: [{" + idle + "}]":                                  "1: anomalies.enforce: has no effect: anomalies are off: remove it, or the line that says off",
		"forecast: {enabled: false, lead_time: 20m}\nupstreams: [{" + idle + "}]":                                  "1: forecast.lead_time: has no effect: forecast is off: remove it, or the line that says off",
		"usage: {days: 3}\nupstreams: [{" + idle + "}]":                                                            "1: usage.days: has no effect: without usage.dir there are no files: give dir, or remove it",
		"usage: {max_bytes: 3MiB}\nupstreams: [{" + idle + "}]":                                                    "1: usage.max_bytes: has no effect: without usage.dir there are no files: give dir, or remove it",
		"usage: {header: X-User, user: off}\nupstreams: [{" + idle + "}]":                                          "1: usage.header: has no effect: nothing is kept of users: remove it, or the line user: off",
		"usage: {header: X-User}\nforwarded: {trust: []}\nupstreams: [{" + idle + "}]":                             "1: usage.header: has no effect: no peer is trusted: add the proxy that sets it to forwarded.trust",
		"usage: {enabled: false, user: plain}\nupstreams: [{" + idle + "}]":                                        "1: usage.user: has no effect: usage is off: remove it, or the line that says off",
		"upstreams: [{queue: {order: shortest_first}, " + idle + "}]":                                              "1: upstreams[0].queue.order: has no effect: no endpoint has slots, so that no request waits: give the endpoints slots, or remove it",
		"upstreams: [{queue: {max_requests: 10}, " + idle + "}]":                                                   "1: upstreams[0].queue.max_requests: has no effect: no endpoint has slots, so that no request waits: give the endpoints slots, or remove it",
		"upstreams: [{queue: {hold_back: false}, " + idle + "}]":                                                   "1: upstreams[0].queue.hold_back: has no effect: no endpoint has slots, so that no request waits: give the endpoints slots, or remove it",
		"upstreams: [{queue: {header: true}, " + idle + "}]":                                                       "1: upstreams[0].queue.header: always says 0: no endpoint has slots, so that no request waits: give the endpoints slots, or remove it",
		"upstreams: [{queue: {keepalive: 15s}, " + idle + "}]":                                                     "1: upstreams[0].queue.keepalive: has no effect: no endpoint has slots, so that no request waits: give the endpoints slots, or remove it",
		"upstreams: [{queue: {max_requests: 0, header: true}, " + slots + "}]":                                     "1: upstreams[0].queue.header: always says 0: with max_requests 0 no request waits: raise max_requests, or remove it",
		"upstreams: [{queue: {max_wait: 3s}, " + idle + "}]":                                                       "1: upstreams[0].queue.max_wait: has no effect: no endpoint has slots, so that no request waits: give the endpoints slots, or remove it",
		"upstreams: [{queue: {max_requests: 0, max_wait: 3s}, " + slots + "}]":                                     "1: upstreams[0].queue.max_wait: has no effect: with max_requests 0 no request waits: raise max_requests, or remove it",
		"upstreams: [{capacity_scale: 2, " + idle + "}]":                                                           "1: upstreams[0].capacity_scale: has no effect with policy capacity: only optimal_split asks for it: choose that policy, or remove it",
		"upstreams: [{queue: {read_ahead: 1s}, " + idle + "}]":                                                     "1: upstreams[0].queue.read_ahead: has no effect with policy capacity: only least_cost asks for it: choose that policy, or remove it",
		"upstreams: [{gateways: 2, " + idle + "}]":                                                                 "1: upstreams[0].gateways: has no effect with policy capacity: only least_cost asks for it: choose that policy, or remove it",
		"upstreams: [{queue: off, scale: {min: 0, max: 2, slots: 4}, " + slots + "}]":                              "1: upstreams[0].scale.min: no request can wait for the first server, since there is no queue: each is refused until it runs: raise queue.max_requests, or give min 1",
		"upstreams: [{scale: {max: 2}, " + idle + "}]":                                                             "1: upstreams[0].scale.slots: is not given, so that nobody can tell how busy a server is, or how much work a request is: give how many requests a new server works on at once",
		"upstreams: [{time_scale: 2, " + idle + "}]":                                                               "1: upstreams[0].time_scale: has no effect with policy capacity: only least_cost reckons in seconds: choose that policy, or remove it",
		"upstreams: [{predict: {file: work.json}, " + slots + "}]":                                                 "1: upstreams[0].predict.file: has no effect: nothing asks how much work a request will be: choose queue.order shortest_first with slots, or remove it",
		"upstreams:\n- {name: a, " + idle + "}\n- {name: b, " + idle + "}":                                         "3: upstreams[1]: upstream \"b\" has no effect: no route leads to it: add a route to it, or remove it",
		"upstreams: [{policy: round_robin, endpoints: [{url: \"http://a\"}, {url: \"http://b\", capacity: 200}]}]": "1: upstreams[0].endpoints[1].capacity: has no effect on the shares: policy round_robin gives each endpoint the same: choose another policy, or remove it",
		"upstreams: [{endpoints: [{url: \"http://a\", slots: 4}, {name: b, url: \"http://a\", slots: 8}]}]":        "1: upstreams[0].endpoints[1].slots: has no effect: upstreams[0].endpoints[0].slots says 4 of the same server, and the least counts: say the same in both",
		"upstreams: [{health: {statuses: [204]}, " + idle + "}]":                                                   "1: upstreams[0].health.statuses: has no effect: without a path a probe only connects: give a path, or remove it",
		"upstreams: [{health: {busy_statuses: [503]}, " + idle + "}]":                                              "1: upstreams[0].health.busy_statuses: has no effect: without a path a probe only connects: give a path, or remove it",
		"upstreams: [{connections: {max_idle: 0, idle_timeout: 9s}, " + idle + "}]":                                "1: upstreams[0].connections.idle_timeout: has no effect: with max_idle 0 no idle connection is kept: raise max_idle, or remove it",
		"upstreams: [{timeouts: {total: 30s, first_byte: 60s}, " + idle + "}]":                                     "1: upstreams[0].timeouts.first_byte: has no effect: timeouts.total (30s) is over first: lower it, or raise total",
		"upstreams: [{timeouts: {total: 1s, connect: 1s}, " + idle + "}]":                                          "1: upstreams[0].timeouts.connect: has no effect: timeouts.total (1s) is over first: lower it, or raise total",
		"upstreams: [{timeouts: {total: 1s, idle: 5s}, " + idle + "}]":                                             "1: upstreams[0].timeouts.idle: has no effect: timeouts.total (1s) is over first: lower it, or raise total",
		"upstreams: [{timeouts: {total: 1s}, queue: {max_wait: 5s}, " + slots + "}]":                               "1: upstreams[0].queue.max_wait: has no effect: timeouts.total (1s) is over first: lower it, or raise total",
		"upstreams: [{signals: {interval: 2s}, " + idle + "}]":                                                     "1: upstreams[0].signals.interval: has no effect: with signals.engine off no endpoint is asked: remove it",
		"upstreams: [{signals: {engine: orca, port: 8002}, " + idle + "}]":                                         "1: upstreams[0].signals.port: has no effect: with orca the load comes with the answers, and no page is asked for: remove it",
		"upstreams: [{affinity: {body: user}, " + idle + "}]":                                                      "1: upstreams[0].affinity: has no effect with policy capacity: only least_cost asks for it: choose that policy, or remove it",
		"upstreams: [{endpoints: [{url: \"http://a\"}, {url: \"http://b\", prefix_cache: 0}]}]":                    "1: upstreams[0].endpoints[1].prefix_cache: has no effect with policy capacity: only least_cost asks for it: choose that policy, or remove it",
		"clients: {max_waiting: 3}\nupstreams: [{" + idle + "}]":                                                   "1: clients.max_waiting: has no effect: no upstream has a queue that requests wait in: give endpoints slots, or remove it",
		"clients: {max_body_memory: 1MiB}\nlimits: {replay_bytes: 0}\nupstreams: [{" + idle + "}]":                 "1: clients.max_body_memory: has no effect: with replay_bytes 0 no body is held: raise replay_bytes, or remove it",
		"admin: {address: \"\", hosts: [a.test]}\nupstreams: [{" + idle + "}]":                                     "1: admin.hosts: has no effect: without admin.address there is no admin listener: give the address, or remove it",
		"limits: {replay_bytes: 0, body_memory: 1MiB}\nupstreams: [{" + idle + "}]":                                "1: limits.body_memory: has no effect: with replay_bytes 0 no body is held: raise replay_bytes, or remove it",
	} {
		lines, _ := examine(t, text)
		require.Equal(t, []string{want}, lines, text)
	}
	folder := certificateFolder(t)
	lines, _ := examine(t, "upstreams: [{endpoints: [{url: \"https://a\", tls: {insecure: true, ca_file: "+filepath.Join(folder, "cert.pem")+"}}]}]")
	require.Equal(t, []string{"1: upstreams[0].endpoints[0].tls.ca_file: has no effect: with insecure no certificate is verified: remove insecure, or this"}, lines)
}

// TestSettingsWithEffectAreNotNoted are the neighbours of those that are.
func TestSettingsWithEffectAreNotNoted(t *testing.T) {
	for _, text := range []string{
		"upstreams: [{queue: {order: shortest_first, max_requests: 10, max_wait: 3s, header: true}, predict: {file: w.json}, endpoints: [{url: \"http://a\", slots: auto}]}]",
		"upstreams: [{policy: optimal_split, capacity_scale: 2, endpoints: [{url: \"http://a\"}]}]",
		"upstreams: [{policy: least_cost, time_scale: 2, endpoints: [{url: \"http://a\"}]}]",
		"upstreams: [{policy: least_cost, queue: {read_ahead: 100ms, order: shortest_first, max_wait: 20s}, endpoints: [{url: \"http://a\"}]}]",
		"upstreams: [{policy: least_cost, gateways: 2, endpoints: [{url: \"http://a\"}]}]",
		"upstreams: [{policy: optimal_split, predict: {file: w.json}, endpoints: [{url: \"http://a\"}]}]",
		"upstreams: [{predict: {file: w.json}, endpoints: [{url: \"http://a\", capacity: auto}]}]",
		"log: {requests: rows.csv}\nupstreams: [{predict: {file: w.json}, endpoints: [{url: \"http://a\"}]}]",
		"upstreams: [{policy: round_robin, endpoints: [{url: \"http://a\", capacity: 7}, {url: \"http://b\", capacity: 7}]}]",
		"upstreams: [{timeouts: {total: 30s}, endpoints: [{url: \"http://a\"}]}]", // whose idle default is longer
		"upstreams: [{health: {path: /h, statuses: [204], busy_statuses: [503]}, endpoints: [{url: \"http://a\"}]}]",
		"upstreams: [{signals: {engine: triton, port: 8003, path: /m, interval: 2s}, endpoints: [{url: \"http://a\"}]}]",
		"upstreams: [{policy: least_cost, affinity: {header: X-S}, endpoints: [{url: \"http://a\", prefix_cache: 9}]}]",
		"clients: {max_waiting: 3, max_body_memory: 4MiB}\nupstreams: [{endpoints: [{url: \"http://a\", slots: 4}]}]",
		"limits: {replay_bytes: 0, body_memory: 0}\nupstreams: [{endpoints: [{url: \"http://a\"}]}]",
		// The slots of one upstream hold for the other one, as it names the same server.
		"upstreams:\n- {name: a, endpoints: [{url: \"http://a\", slots: 4}]}\n- {name: b, queue: {order: shortest_first}, endpoints: [{url: \"http://a\"}]}\nroutes: [{upstream: a}, {path: /b, upstream: b}]",
	} {
		lines, _ := examine(t, text)
		require.Empty(t, lines, text)
	}
	for _, example := range []string{"gateway.yaml", "sidecar.yaml"} {
		_, notes, err := Examine(example, nil)
		require.NoError(t, err)
		require.Empty(t, notes)
	}
}

// TestWhatIsPrintedHasTheSameNotes: the defaults that check writes out are nobody's setting.
func TestWhatIsPrintedHasTheSameNotes(t *testing.T) {
	const text = "upstreams: [{capacity_scale: 2, endpoints: [{url: \"http://a\"}]}]"
	cfg, err := Parse("c.yaml", []byte(text), nil)
	require.NoError(t, err)
	printed, err := cfg.YAML()
	require.NoError(t, err)
	lines, _ := examine(t, string(printed))
	require.Len(t, lines, 1)
	require.Contains(t, lines[0], "capacity_scale")
}

func TestNotesAreGatheredByKind(t *testing.T) {
	_, notes := examine(t, `upstreams:
- {name: a, capacity_scale: 2, endpoints: [{url: "http://a"}]}
- {name: b, capacity_scale: 3, endpoints: [{url: "http://b"}]}
- {name: c, capacity_scale: 4, endpoints: [{url: "http://c"}]}
routes: [{upstream: a}, {path: /b, upstream: b}, {path: /c, upstream: c}]
`)
	require.Len(t, notes, 1)
	require.Equal(t, "upstreams[].capacity_scale", notes[0].Kind)
	require.Regexp(t, `^\S+c\.yaml:2: upstreams\[0\]\.capacity_scale: .* \(and 2 more of this kind; see steelyard check\)$`, notes[0].String())
}

// TestVariablesThatAreNoKeysAreNoted: STEELYARD_VERSION is set by many an image, and is nobody's mistake.
func TestVariablesThatAreNoKeysAreNoted(t *testing.T) {
	const text = `upstreams: [{endpoints: [{url: "http://a"}]}]`
	lines, notes := examine(t, text, "STEELYARD_VERSION=1.2", "STEELYARD_LOGLEVEL=debug", "STEELYARD_=", "STEELYARD_SERVICE_HOST=10.0.0.1", "PATH=/bin")
	require.Equal(t, []string{"environment: unknown variables have no effect: STEELYARD_, STEELYARD_LOGLEVEL (did you mean STEELYARD_LOG_LEVEL?), " +
		"STEELYARD_VERSION: the variable of a key is named as STEELYARD_LOG_LEVEL is after log.level"}, lines)
	require.Empty(t, notes[0].Kind)

	var many []string
	for range 3 {
		for c := 'A'; c <= 'Z'; c++ {
			many = append(many, "STEELYARD_"+strings.Repeat(string(c), 60)+string(rune('A'+len(many)%26))+"=1")
		}
	}
	lines, _ = examine(t, text, many...)
	require.Len(t, lines, 1)
	require.Contains(t, lines[0], "… and 68 more")
	require.Less(t, len(lines[0]), 1200)
	_, err := Parse("c.yaml", []byte(text), []string{"STEELYARD_LOG_LEVEL=loud"})
	require.Error(t, err, "a key of ours is held to its values")
}
