package load

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHeaders(t *testing.T) {
	vllm := reading("orca", func(r *Reading) { r.CacheUsedRatio, r.Waiting = 0.4, 3 })
	for value, want := range map[string]Reading{
		"TEXT named_metrics.kv_cache_usage_perc=0.4, named_metrics.num_requests_waiting=3.0":                                   vllm,
		"text named_metrics.kv_cache_usage_perc=0.4,named_metrics.num_requests_waiting=3,cpu_utilization=0.3":                  vllm,
		`JSON {"named_metrics": {"kv_cache_usage_perc": 0.4, "num_requests_waiting": 3.0}}`:                                    vllm,
		`JSON {"cpu_utilization": 0.3, "named_metrics": {"kv_cache_usage_perc": "0.4", "num_requests_waiting": 3, "x": null}}`: vllm,
		"TEXT named_metrics.kv_cache_utilization=0.5, named_metrics.max_token_capacity=399360": reading("orca", func(r *Reading) {
			r.CacheUsedRatio, r.CacheTokens = 0.5, 399360
		}),
		"TEXT cpu_utilization=0.3, =, ===, named_metrics.=7":                                nothing(),
		"TEXT named_metrics.kv_cache_usage_perc=NaN, named_metrics.num_requests_waiting=-1": nothing(),
		"TEXT":    nothing(),
		"JSON {}": nothing(),
	} {
		got, err := readHeader([]byte(value))
		require.NoError(t, err, value)
		assert.Equal(t, want, got, value)
	}
	for _, bad := range []string{"", "BIN CZqZmZmZmbk=", "JSON {", "JSON []", "{}", "TEXT " + strings.Repeat("x", orcaLimit)} {
		got, err := readHeader([]byte(bad))
		assert.Error(t, err, bad)
		assert.Equal(t, nothing(), got)
	}
}

func FuzzHeader(f *testing.F) {
	f.Add([]byte(`JSON {"named_metrics": {"kv_cache_usage_perc": 0.4}}`))
	f.Add([]byte("TEXT named_metrics.kv_cache_usage_perc=0.4"))
	f.Fuzz(func(t *testing.T, value []byte) {
		r, err := readHeader(value)
		if err == nil && r.CacheUsedRatio != Unknown && !(r.CacheUsedRatio >= 0 && r.CacheUsedRatio <= 1) {
			t.Fatalf("%v of %q", r.CacheUsedRatio, value)
		}
	})
}

func TestModels(t *testing.T) {
	r, err := readModels(bytes.NewReader(testdata(t, "ollama.json")))
	require.NoError(t, err)
	both := r
	assert.Equal(t, "ollama", r.Engine)
	assert.EqualValues(t, 8704, r.CacheTokens)
	assert.Equal(t, Unknown, r.Running, "it does not say how busy it is")
	one, err := readModels(strings.NewReader(`{"models":[{"name":"llama3.2:latest","digest":"a80c4f17acd5"}]}`))
	require.NoError(t, err)
	assert.Equal(t, Unknown, one.CacheTokens, "an older version")
	assert.Equal(t, "model all-minilm:latest 1b226e2802db has left its memory", one.restarted(&both))
	assert.Empty(t, both.restarted(&one), "one that is loaded takes nothing away")
	none, err := readModels(strings.NewReader(`{"models":[]}`))
	require.NoError(t, err)
	assert.NotEmpty(t, none.restarted(&one))
	other, err := readModels(strings.NewReader(`{"object":"list","data":[]}`))
	require.NoError(t, err)
	assert.Equal(t, nothing(), other)
	for _, bad := range []string{"", "{", "[]", "Ollama is running", `{"models":7}`} {
		_, err := readModels(strings.NewReader(bad))
		assert.Error(t, err, bad)
	}
	_, err = readModels(endless(" "))
	assert.ErrorIs(t, err, errPageTooLarge)
}
