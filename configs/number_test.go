package configs

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNumbersAreReadOneWay: each of these is one number to a person and another to YAML, or to the next program.
func TestNumbersAreReadOneWay(t *testing.T) {
	const file = "limits: {connections: %[1]s}\nupstreams: [{capacity_scale: %[1]s, endpoints: [{url: \"http://a\", capacity: %[1]s, slots: %[1]s}]}]\n"
	for text, plainer := range map[string]string{
		"0100": "100", "010": "10", "08": "8", "0_100": "100", "+0100": "100", "+100": "100", "1__0": "10", "1_000": "1000", "00": "0",
	} {
		_, err := Parse("c.yaml", fmt.Appendf(nil, file, text), nil)
		for _, key := range []string{"limits.connections", "upstreams[0].capacity_scale", "upstreams[0].endpoints[0].capacity", "upstreams[0].endpoints[0].slots"} {
			require.ErrorContains(t, err, key+": must be ", text)
		}
		require.ErrorContains(t, err, "is the number "+text+": write "+plainer+": a number is decimal", text)

		_, err = Parse("c.yaml", fmt.Appendf(nil, file, "1"), []string{"STEELYARD_LIMITS_CONNECTIONS=" + text})
		require.ErrorContains(t, err, "STEELYARD_LIMITS_CONNECTIONS: limits.connections: ", text)
		require.ErrorContains(t, err, "write "+plainer+": ", text)
	}
	for _, text := range []string{"0x10", "0b11", "0o17"} {
		_, err := Parse("c.yaml", fmt.Appendf(nil, file, text), nil)
		require.ErrorContains(t, err, "upstreams[0].endpoints[0].capacity: must be a number or auto, is the number "+text+": numbers are decimal: ", text)
	}
}

func TestNumbersWithAUnitAreReadOneWay(t *testing.T) {
	for key, c := range map[string]struct{ odd, plainer string }{
		"limits: {body_bytes: %s, replay_bytes: 0}":    {"064MiB", "64MiB"},
		"limits: {body_memory: %s, replay_bytes: 0}":   {"+4096", "4096"},
		"timeouts: {shutdown: %s}":                     {"010s", "10s"},
		"timeouts: {idle_client: %s}":                  {"+1m05s", "1m05s"},
		"upstreams: [{health: {busy_statuses: [%s]}}]": {"0429", "429"},
		"upstreams: [{health: {statuses: [%s]}}]":      {"0200-299", "200-299"},
	} {
		_, err := Parse("c.yaml", fmt.Appendf(nil, key, c.odd), nil)
		require.ErrorContains(t, err, ": write "+c.plainer+": a number is decimal", key)
		_, err = Parse("c.yaml", fmt.Appendf(nil, key, c.plainer), nil)
		require.NotContains(t, err.Error(), "a number is decimal", key)
	}
	for _, address := range []string{"127.0.0.1:08080", "[::1]:+80", ":0_1"} {
		_, wrong := parseAddress(address)
		require.NotNil(t, wrong, address)
	}
	for _, url := range []string{"http://a:08080", "http://[::1]:0080", "http://a:+80"} {
		_, wrong := parseURL(url)
		require.NotNil(t, wrong, url)
	}
}

func TestPlainNumbersAreRead(t *testing.T) {
	for text, want := range map[string]float64{"100": 100, "0.5": 0.5, ".5": 0.5, "12.50": 12.5, "5.": 5, "1e3": 1000, "1E-03": 0.001, "1.5e+06": 1.5e6} {
		cfg, err := Parse("c.yaml", []byte(`upstreams: [{endpoints: [{url: "http://a", capacity: `+text+`}]}]`), nil)
		require.NoError(t, err, text)
		require.InDelta(t, want, cfg.Upstreams[0].Endpoints[0].Capacity.Value, 0, text)
	}
}
