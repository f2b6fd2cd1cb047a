package load_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/load"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// TestServerThatWentAway refuses connections only after the first.
func TestServerThatWentAway(t *testing.T) {
	var s *httptest.Server
	s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.Listener.Close()
		w.Header().Set("Connection", "close")
	}))
	defer s.Close()
	got, answered := make([]load.Sample, 2), make(chan struct{})
	two := func(yield func(trace.Request) bool) { // the second when the first has its answer
		if yield(trace.Request{}) {
			<-answered
			yield(trace.Request{})
		}
	}
	err := load.Send(t.Context(), two, load.Options{URL: s.URL, Connections: 1}, func(i int, s load.Sample) {
		if got[i] = s; i == 0 {
			close(answered)
		}
	})
	require.NoError(t, err)
	require.Equal(t, map[load.Failure]int{load.Refused: 1}, failures(got))
	require.Error(t, got[1].Err)
}
