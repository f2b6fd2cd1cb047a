package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// useLine is a row of GET /api/v1/usage.
type useLine struct {
	Key                       string
	Requests, Errors, Retries int
	PromptTokens              int `json:"prompt_tokens"`
	CompletionTokens          int `json:"completion_tokens"`
}

func useOf(t *testing.T, admin, query string) map[string]useLine {
	t.Helper()
	got, err := http.Get(admin + "/api/v1/usage" + query)
	require.NoError(t, err)
	defer got.Body.Close()
	require.Equal(t, 200, got.StatusCode)
	var report struct{ Rows []useLine }
	require.NoError(t, json.NewDecoder(got.Body).Decode(&report))
	lines := map[string]useLine{}
	for _, l := range report.Rows {
		lines[l.Key] = l
	}
	return lines
}

// TestWhoAsksIsKept over a restart: by user and model, with the tokens that the engine said, and never by a key as it is.
func TestWhoAsksIsKept(t *testing.T) {
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Fail") != "" {
			w.WriteHeader(500)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"usage":{"prompt_tokens":11,"completion_tokens":5}}`)
	}))
	defer engine.Close()
	dir := filepath.Join(t.TempDir(), "usage")
	cfg := config(t, fmt.Sprintf("usage: {dir: %q, user: plain, header: X-User}\n", dir), endpoint("a", engine.URL, 100))
	ask := func(s *running, fields ...string) {
		r, err := http.NewRequest(http.MethodPost, s.url+"/v1/chat/completions",
			strings.NewReader(`{"model":"llama","messages":[{"role":"user","content":"Hi"}]}`))
		require.NoError(t, err)
		for _, f := range fields {
			name, value, _ := strings.Cut(f, ": ")
			r.Header.Set(name, value)
		}
		got, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, got.Body)
		require.NoError(t, got.Body.Close())
	}
	s := run(t, cfg)
	for range 3 {
		ask(s, "X-User: alice")
	}
	ask(s, "X-User: alice", "X-Fail: 1")
	ask(s, "X-User: alice", "X-Stainless-Retry-Count: 1")
	ask(s, "Authorization: Bearer sk-secret")
	var users map[string]useLine
	eventually(t, "all requests are counted", func() bool {
		users = useOf(t, s.admin, "")
		return users["user:alice"].Requests == 5 && len(users) == 2
	})
	alice := users["user:alice"]
	require.Equal(t, 1, alice.Errors)
	require.Equal(t, 1, alice.Retries)
	require.Equal(t, 55, alice.PromptTokens)
	require.Equal(t, 25, alice.CompletionTokens)
	require.Equal(t, 6, useOf(t, s.admin, "?by=model")["llama"].Requests)
	for key := range users {
		require.NotContains(t, key, "secret")
	}
	require.NoError(t, s.stop())

	s = run(t, cfg)
	require.Equal(t, users, useOf(t, s.admin, ""))
	require.Equal(t, users, useOf(t, s.admin, "?from=1h"))
	r, err := http.NewRequest(http.MethodDelete, s.admin+"/api/v1/usage/users/user:alice", nil)
	require.NoError(t, err)
	got, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, got.Body.Close())
	require.Equal(t, 200, got.StatusCode)
	require.Len(t, useOf(t, s.admin, ""), 1)
	require.Len(t, useOf(t, s.admin, "?from=1h"), 1)
	require.Equal(t, 6, useOf(t, s.admin, "?by=model")["llama"].Requests)
}
