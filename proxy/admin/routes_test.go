package admin

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAnswersOutsideTheAPI(t *testing.T) {
	s := start(t)
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
		body         string
	}{
		{"GET", "/assets/0123/app.js", 404, "", `{"error":{"message":"the page has no such file: reload it"}}`},
		{"GET", "/assets/", 404, "", ""},
		{"POST", "/", 404, "", ""},
		{"GET", "/api/v1/upstreams/", 404, "", `{"error":{"message":"nothing is at /api/v1/upstreams/; GET /api/v1/openapi.json lists what is"}}`},
		{"GET", "/debug/pprof/", 404, "", ""},
		{"PUT", "/nowhere", 404, "", ""},
		{"POST", "/metrics", 405, "GET, HEAD", `{"error":{"message":"method POST is not allowed here; use GET, HEAD"}}`},
		{"OPTIONS", "/readyz", 405, "GET, HEAD", ""},
		{"DELETE", "/api/v1/upstreams/chat", 405, "GET, HEAD", ""},
		{"GET", "/api/v1/upstreams/chat/endpoints/small/drain", 405, "POST", ""},
		{"HEAD", "/api/v1/upstreams/chat/endpoints/small/undrain", 405, "POST", ""},
	} {
		got := s.do(c.method, c.path, "")
		name := c.method + " " + c.path
		assert.Equal(t, c.status, got.StatusCode, name)
		assert.Equal(t, c.allow, got.Header.Get("Allow"), name)
		assert.Equal(t, "application/json", got.Header.Get("Content-Type"), name)
		if c.body != "" {
			assert.JSONEq(t, c.body, string(got.body), name)
		}
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	s := start(t)
	for _, path := range []string{"/metrics", "/healthz", "/nowhere", "/api/v1/openapi.json"} {
		got := s.do("GET", path, "")
		assert.Equal(t, "no-store", got.Header.Get("Cache-Control"), path)
		assert.Equal(t, "nosniff", got.Header.Get("X-Content-Type-Options"), path)
	}
}

func TestHeadGoesWhereGetGoes(t *testing.T) {
	s := start(t)
	got := s.do(http.MethodHead, "/readyz", "")
	assert.Equal(t, 200, got.StatusCode)
	assert.Empty(t, got.body)
}

func TestMetricsComeFromTheirHandler(t *testing.T) {
	got := start(t).do("GET", "/metrics", "")
	assert.Equal(t, "up 1\n", string(got.body))
	assert.Equal(t, "text/plain; version=0.0.4", got.Header.Get("Content-Type"))
}
