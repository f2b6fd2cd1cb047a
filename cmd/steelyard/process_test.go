package main

import (
	"math"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/configs"
)

// parse is a configuration of one endpoint, with more besides.
func parse(t *testing.T, url, more string) *configs.Config {
	t.Helper()
	c, err := configs.Parse("test.yaml", []byte("upstreams: [{endpoints: [{url: \""+url+"\"}]}]\n"+more), nil)
	require.NoError(t, err)
	return c
}

func TestMemoryLimit(t *testing.T) {
	const plain, tls = "http://127.0.0.1:1", "https://127.0.0.1:1"
	for _, c := range []struct {
		url, more string
		mib       int64
	}{
		{plain, "limits: {connections: 1024}", 128 + 16},
		{tls, "limits: {connections: 1024}", 128 + 48},
		{plain, "limits: {connections: 1}", 128 + 1},
		{plain, "limits: {body_memory: 1TiB, connections: 10000000}", 128 + 156250},
	} {
		cfg := parse(t, c.url, c.more)
		require.Equal(t, c.mib<<20, memoryLimit(cfg, cfg, 0), c)
	}
	start, now := parse(t, plain, "limits: {connections: 1024}"), parse(t, plain, "limits: {connections: 2048}")
	require.EqualValues(t, (128+16)<<20, memoryLimit(start, now, 0), "a reload changes no limit of connections")

	small := parse(t, plain, "limits: {memory: 100MiB}")
	require.EqualValues(t, 50<<20, memoryLimit(small, small, 0), "half is for bodies")
	small = parse(t, plain, "limits: {memory: 100MiB, body_memory: 20MiB}")
	require.EqualValues(t, 80<<20, memoryLimit(small, small, 0))
	rest := parse(t, plain, "limits: {body_memory: 20MiB}")
	require.EqualValues(t, 180<<20, memoryLimit(rest, rest, 200<<20), "what the container has")
}

// The limit follows the configuration, but for one that is set by hand.
func TestMemoryLimitIsSet(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(math.MaxInt64))
	few := parse(t, "http://127.0.0.1:1", "limits: {connections: 64}")
	require.Equal(t, "129MiB", limitMemory(few, few).String())
	require.EqualValues(t, 129<<20, debug.SetMemoryLimit(-1))
	t.Setenv("GOMEMLIMIT", "123MiB")
	debug.SetMemoryLimit(123 << 20) // as the runtime does at the start
	require.Equal(t, "123MiB", limitMemory(few, few).String())
}

func TestDescriptorAdvice(t *testing.T) {
	c := parse(t, "http://127.0.0.1:1", "limits: {connections: 1000}")
	require.EqualValues(t, 2065, descriptorsFor(c))
	advice := func(c *configs.Config, limit uint64) string {
		text, warning := descriptorAdvice(c, limit)
		require.Equal(t, text != "", warning, "who asks for a number is warned where it cannot be had")
		return text
	}
	require.Empty(t, advice(c, 2065))
	require.Empty(t, advice(c, math.MaxUint64))
	for limit, want := range map[uint64]string{2064: ", or lower limits.connections to 999", 1024: " to 479", 67: " to 1"} {
		got := advice(c, limit)
		require.Contains(t, got, "limits.connections 1000 may need 2065")
		require.Regexp(t, want+"$", got)
	}
	require.NotContains(t, advice(c, 66), "lower", "no number of connections would do")
}

// Nobody asked for the default of limits.connections: what there is room for is no mistake of theirs.
func TestDescriptorAdviceOfTheDefault(t *testing.T) {
	c := parse(t, "http://127.0.0.1:1", "")
	for _, v := range []struct {
		limit   uint64
		warning bool
		says    string
	}{
		{math.MaxUint64, false, ""},
		{40065, false, ""},
		{40064, false, "enough for 19999 clients"},
		{20000, false, "enough for 9967 clients"},
		{1024, false, "enough for 479 clients"},
		{576, true, "enough for 255 clients"},
		{40, true, "enough for 0 clients"},
	} {
		text, warning := descriptorAdvice(c, v.limit)
		require.Equal(t, v.warning, warning, "%d files", v.limit)
		require.Contains(t, text, v.says)
		require.Equal(t, v.says == "", text == "")
		require.NotContains(t, text, "limits.connections")
	}
}
