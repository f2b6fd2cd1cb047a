package app_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// drained is what the admin API says, and how many events have said so.
func drained(t *testing.T, r *running, upstream, name string) (bool, uint64) {
	t.Helper()
	var all struct {
		Upstreams []struct {
			Name      string
			Endpoints []struct {
				Name    string
				Drained bool
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(body(t, r.admin+"/api/v1/upstreams")), &all))
	for _, u := range all.Upstreams {
		for _, e := range u.Endpoints {
			if u.Name == upstream && e.Name == name {
				return e.Drained, r.Events().Published(event.Drained)
			}
		}
	}
	require.Fail(t, "no such endpoint")
	return false, 0
}

func postAdmin(t *testing.T, r *running, path string) int {
	t.Helper()
	answer, err := http.Post(r.admin+path, "", nil)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode
}

// A draining endpoint is drained when its last stream has ended, and not before.
func TestDrained(t *testing.T) {
	h, b := newHolder(t), backend(t, "b")
	r := run(t, config(t, "", endpoint("h", h.URL, 100), endpoint("b", b.URL, 1e-9)))
	s := open(t, r)
	is, events := drained(t, r, "chat", "h")
	require.False(t, is)
	require.Zero(t, events)
	require.Equal(t, 200, postAdmin(t, r, "/api/v1/upstreams/chat/endpoints/h/drain"))
	is, _ = drained(t, r, "chat", "h")
	require.False(t, is, "a stream is still there")
	for range 5 {
		require.Equal(t, "b", body(t, r.url))
	}
	h.release()
	rest, err := s.end()
	require.NoError(t, err)
	require.Equal(t, "last\n", rest)
	eventually(t, "it is drained", func() bool { is, events := drained(t, r, "chat", "h"); return is && events == 1 })
	require.Equal(t, 200, postAdmin(t, r, "/api/v1/upstreams/chat/endpoints/h/undrain"))
	is, _ = drained(t, r, "chat", "h")
	require.False(t, is)
	require.Equal(t, "held", body(t, r.url))
}

// A server that another upstream sends requests to must not be switched off.
func TestSharedServersAreDrainedTogether(t *testing.T) {
	a := backend(t, "a")
	c := config(t, "", endpoint("a", a.URL, 100))
	other := c.Upstreams[0]
	other.Name = "other"
	c.Upstreams = append(c.Upstreams, other)
	r := run(t, c)
	require.Equal(t, 200, postAdmin(t, r, "/api/v1/upstreams/chat/endpoints/a/drain"))
	is, _ := drained(t, r, "chat", "a")
	require.False(t, is, "the other upstream uses it")
	require.Equal(t, 200, postAdmin(t, r, "/api/v1/upstreams/other/endpoints/a/drain"))
	for _, upstream := range strings.Fields("chat other") {
		is, _ = drained(t, r, upstream, "a")
		require.True(t, is, upstream)
	}
}
