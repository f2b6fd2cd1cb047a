package configs

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// "off" in place of a section is one value of a key in it.
func TestOffStandsForAValue(t *testing.T) {
	parse := func(section string) *Config {
		cfg, err := Parse("test.yaml", []byte("upstreams: [{endpoints: [{url: \"http://127.0.0.1:9001\"}], "+section+"}]"), nil)
		require.NoError(t, err, section)
		return cfg
	}
	for word, value := range map[string]string{
		"outlier: off": "outlier: {enforce: false}", "queue: off": "queue: {max_requests: 0}",
		"retry: off": "retry: {attempts: 1}", "hedge: off": "hedge: {after: off}",
	} {
		require.Equal(t, parse(value), parse(word), word)
	}
}
