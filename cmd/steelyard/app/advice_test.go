package app_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/configs"
)

// TestAdviceIsAskedFor: there is an answer of each kind from the start, and none where nobody wants any.
func TestAdviceIsAskedFor(t *testing.T) {
	a, b := backend(t, "a"), backend(t, "b")
	cfg := config(t, "", endpoint("a", a.URL, 100), endpoint("b", b.URL, 100))
	r := run(t, cfg)
	r.Think()
	text := body(t, r.admin+"/api/v1/advice")
	for _, kind := range []string{"capacity", "replicas", "patience", "retry_storm", "prompt_growth", "limits", "policy"} {
		assert.Contains(t, text, `"kind": "`+kind+`"`)
	}
	response, err := http.Post(r.admin+"/api/v1/advice/zz/apply", "", nil)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusNotFound, response.StatusCode)
	off := *cfg
	off.Optimise = configs.OptimiseOff
	require.NoError(t, r.Reload(&off))
	response, err = http.Get(r.admin + "/api/v1/advice")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusNotFound, response.StatusCode)
}

// TestAChangeLastsUntilTheConfigurationIsReadAgain, and is checked as a file is.
func TestAChangeLastsUntilTheConfigurationIsReadAgain(t *testing.T) {
	a, b := backend(t, "a"), backend(t, "b")
	cfg := config(t, "", endpoint("a", a.URL, 100), endpoint("b", b.URL, 100))
	cfg.Upstreams[0].Health.Timeout = cfg.Upstreams[0].Health.Interval // the most that a file may have
	r := run(t, cfg)
	require.NoError(t, r.Change([]configs.Edit{{Upstream: "chat", Endpoint: "b", Key: "capacity", Value: "50"}}))
	assert.Contains(t, body(t, r.admin+"/api/v1/upstreams"), `"capacity": 50`)
	assert.Equal(t, 50.0, r.Config().Upstreams[0].Endpoints[1].Capacity.Value)
	err := r.Change([]configs.Edit{{Upstream: "chat", Endpoint: "b", Key: "capacity", Value: "-1"}})
	require.Error(t, err)
	assert.True(t, strings.Contains(err.Error(), "must be > 0"), err)
	assert.Equal(t, 50.0, r.Config().Upstreams[0].Endpoints[1].Capacity.Value)
	require.NoError(t, r.Reload(cfg))
	assert.Contains(t, body(t, r.admin+"/api/v1/upstreams"), `"capacity": 100`)
	assert.NotContains(t, body(t, r.admin+"/api/v1/upstreams"), `"capacity": 50`)
}

// TestAdviceOnFoundEndpoints: an upstream whose endpoints are found gets its advice too.
func TestAdviceOnFoundEndpoints(t *testing.T) {
	file := filepath.Join(t.TempDir(), "list.json")
	writeList(t, file, map[string]*httptest.Server{"a": backend(t, "a"), "b": backend(t, "b")})
	r := run(t, found(t, "", file))
	eventually(t, "both are found", func() bool { return eligible(r, "a") && eligible(r, "b") })
	r.Think()
	text := body(t, r.admin+"/api/v1/advice")
	for _, kind := range []string{"capacity", "replicas", "limits", "policy"} {
		assert.Contains(t, text, `"kind": "`+kind+`"`)
	}
}
