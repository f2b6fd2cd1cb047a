package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// said runs a command line and returns what it prints.
func said(t *testing.T, args ...string) (string, error) {
	t.Helper()
	c := rootCommand()
	var out strings.Builder
	c.SetOut(&out)
	c.SetErr(&out)
	c.SetArgs(args)
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

// usageFolder is one that a gateway has written.
func usageFolder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "usage")
	b := usage.Open(usage.Options{Dir: dir, Days: 30, MaxBytes: 1 << 30})
	for i := range 7 {
		b.Add([]usage.Row{{At: time.Now(), Upstream: "chat", Model: "llama", User: usage.UserID(fmt.Sprintf("user:%d", i%2)), Status: 200, Response: time.Second, PromptTokens: 10}})
	}
	b.Own(false) // writes all
	return dir
}

// TestUsageOfAFolder is read without a gateway.
func TestUsageOfAFolder(t *testing.T) {
	dir := usageFolder(t)
	out, err := said(t, "usage", "--dir", dir)
	require.NoError(t, err)
	require.Regexp(t, `(?m)^ *user:0 +4 +0 +0 +0 +40 `, out)
	out, err = said(t, "usage", "--dir", dir, "--by", "model", "--format", "csv", "--from", "1h")
	require.NoError(t, err)
	require.Contains(t, out, "\nllama,llama,7,0,0,0,70,")
	out, err = said(t, "usage", "--dir", dir, "--by", "hour", "--format", "json")
	require.NoError(t, err)
	require.Contains(t, out, `"users": 2`)
	out, err = said(t, "usage", "--dir", dir, "--to", "1h")
	require.NoError(t, err)
	require.NotContains(t, out, "user:")
}

// TestUsageOfAGateway is asked for, with the token, and a refusal is told as the gateway says it.
func TestUsageOfAGateway(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("secret\n"), 0o600))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer secret":
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":{"message":"a token is needed"}}`)
		case r.Method == http.MethodDelete:
			assert.Equal(t, "/api/v1/usage/users/user:a%2Fb", r.URL.EscapedPath())
			fmt.Fprint(w, `{"key":"user:a/b","rows":3}`)
		default:
			assert.Equal(t, "alone=true&by=model&from=24h&limit=5", r.URL.RawQuery)
			fmt.Fprint(w, `{"by":"model","gateways":[{"name":"gw-1","self":true},{"name":"gw-2","age_s":4.4,"hours":24,"own_names":true}],"rows":[{"key":"m\u001b[31m","name":"m\u001b[31m","requests":9,"over":2}],"dropped":1}`)
		}
	}))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	out, err := said(t, "usage", "--admin", address, "--token-file", token, "--by", "model", "--from", "24h", "--limit", "5", "--alone")
	require.NoError(t, err)
	require.Contains(t, out, "gateways (2): gw-1, gw-2 (24 h, 4s old)\nA user has other names at gw-2: ")
	require.Contains(t, out, `m\x1b[31m`)
	require.Contains(t, out, "7 to 9")
	require.Contains(t, out, "note: 1 requests are missing")
	out, err = said(t, "usage", "--admin", server.URL, "--token-file", token, "--forget", "user:a/b")
	require.NoError(t, err)
	require.Contains(t, out, "is forgotten; 3 rows")
	_, err = said(t, "usage", "--admin", address)
	require.EqualError(t, err, "a token is needed")
	_, err = said(t, "usage", "--admin", "127.0.0.1:1")
	require.ErrorContains(t, err, "is the gateway running")
}

func TestBadQuestionsOfUsage(t *testing.T) {
	for args, want := range map[string]string{
		"--by users":                 `--by "users": did you mean "user"?`,
		"--from yesterday":           `--from "yesterday": is no time: write 2026-11-30`,
		"--format xml":               `--format "xml": `,
		"--limit 0":                  "--limit must be from 1 to 1000, is 0",
		"--limit x":                  "--limit must be a whole number from 1 to 1000",
		"x":                          `"x" is not a flag`,
		"--dir /x --admin 1.2.3.4:5": "leave out --admin",
		"--dir /no/such/folder":      "there is no such folder",
		"--dir /x --forget a":        "leave out --dir",
		"--forget a --by user":       "leave out --by",
		"--forget a --alone":         "leave out --by",
		"--dir /x --alone":           "leave out --admin",
		"--admin http://:x":          "write host:port",
	} {
		_, err := said(t, append([]string{"usage"}, strings.Fields(args)...)...)
		require.ErrorContains(t, err, want, args)
	}
}
