package register

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHTTPCheck(t *testing.T) {
	var status atomic.Int64
	status.Store(http.StatusOK)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health" {
			t.Error(r.URL.Path)
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(int(status.Load()))
	}))
	defer s.Close()
	check := HTTPCheck(s.URL + "/health")
	require.NoError(t, check(t.Context()))
	for _, code := range []int64{503, 404, 302, 204} {
		status.Store(code)
		if err := check(t.Context()); code == 204 {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, "answered")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, check(ctx))
	require.Error(t, HTTPCheck("http://127.0.0.1:1/health")(t.Context()))
}
