package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asked is the status of a GET with a token.
func asked(t *testing.T, url, token string) int {
	t.Helper()
	request, err := http.NewRequest("GET", url, nil)
	require.NoError(t, err)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	_ = answer.Body.Close()
	return answer.StatusCode
}

// TestAdminToken: it is asked for, follows its file at a reload, and stays where the file has gone.
func TestAdminToken(t *testing.T) {
	a := backend(t, "a")
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	write("the-first-token-there-was\n")
	cfg := config(t, "", endpoint("a", a.URL, 100))
	cfg.Admin.TokenFile = file
	r := run(t, cfg)
	page := r.admin + "/api/v1/config"
	assert.Equal(t, 401, asked(t, page, ""))
	assert.Equal(t, 401, asked(t, page, "the-first-token-there-wa"))
	assert.Equal(t, 200, asked(t, page, "the-first-token-there-was"))
	assert.Equal(t, 200, asked(t, r.admin+"/readyz", ""))

	assert.False(t, r.FilesChanged())
	assert.Contains(t, r.Files(), file)
	write("the-second-token\n")
	assert.True(t, r.FilesChanged())
	require.NoError(t, r.Reload(cfg))
	assert.Equal(t, 401, asked(t, page, "the-first-token-there-was"))
	assert.Equal(t, 200, asked(t, page, "the-second-token"))

	require.NoError(t, os.Remove(file))
	_, err := r.Adopt(config(t, "", endpoint("a", a.URL, 200))) // which names none, at the next start
	require.NoError(t, err)
	assert.Equal(t, 401, asked(t, page, ""), "a file that has gone lets nobody in")
	assert.Equal(t, 200, asked(t, page, "the-second-token"))
}

// TestPageShowsTheGateway: what the page asks for has the fleet, the last probes and the configuration without secrets.
func TestPageShowsTheGateway(t *testing.T) {
	a := backend(t, "a")
	r := run(t, config(t, "webhooks: [{name: w, url: \"http://127.0.0.1:1/secret-path\"}]", endpoint("a", a.URL, 100)))
	shown := body(t, r.admin+"/api/v1/config")
	assert.Contains(t, shown, "(secret)")
	assert.NotContains(t, shown, "secret-path")
	assert.Contains(t, shown, a.URL)
	eventually(t, "the last probe is told", func() bool {
		shot := body(t, r.admin+"/api/v1/snapshot")
		return strings.Contains(shot, `"result":"passed"`) && strings.Contains(shot, `"configured_capacity":100`)
	})
	eventually(t, "the last hour is remembered", func() bool {
		return asked(t, r.admin+"/api/v1/history?series=in_flight:chat/a", "") == 200
	})
	assert.NotEmpty(t, body(t, r.url+"/"))
	eventually(t, "requests count in the last minute", func() bool {
		return strings.Contains(body(t, r.admin+"/api/v1/snapshot"), `"response_p50_s"`)
	})
	assert.Contains(t, body(t, r.admin+"/"), "<title>steelyard</title>")
}
