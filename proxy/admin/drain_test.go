package admin

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

const (
	drainSmall   = "/api/v1/upstreams/chat/endpoints/small/drain"
	undrainSmall = "/api/v1/upstreams/chat/endpoints/small/undrain"
)

func TestDrainAndUndrain(t *testing.T) {
	core, logged := observer.New(zap.InfoLevel)
	s := start(t, func(o *Options, _ *running) { o.Log = zap.New(core) })
	for _, c := range []struct{ path, body, want string }{
		{drainSmall, `{"reason": "new driver"}`, `{"upstream":"chat","endpoint":"small","draining":true,"changed":true,"lasts":"until undrain or a restart of steelyard; reloads keep it"}`},
		{drainSmall, ``, `{"upstream":"chat","endpoint":"small","draining":true,"changed":false,"lasts":"until undrain or a restart of steelyard; reloads keep it"}`},
		{undrainSmall, `{}`, `{"upstream":"chat","endpoint":"small","draining":false,"changed":true}`},
		{undrainSmall, ``, `{"upstream":"chat","endpoint":"small","draining":false,"changed":false}`},
	} {
		got := s.do("POST", c.path, c.body)
		assert.Equal(t, 200, got.StatusCode, c.path)
		assert.JSONEq(t, c.want, string(got.body))
	}
	entries := logged.All()
	require.Len(t, entries, 4)
	fields := entries[0].ContextMap()
	assert.Equal(t, "new driver", fields["reason"])
	assert.Equal(t, "small", fields["endpoint"])
	assert.Contains(t, fields["client"], "127.0.0.1:")
}

func TestDrainReason(t *testing.T) {
	s := start(t)
	reason := func() string { return s.fleet.Upstreams()[0].Endpoints[0].Conditions[0].Reason }
	s.do("POST", drainSmall, `{"reason": "new driver"}`, "Content-Type", "application/x-www-form-urlencoded")
	assert.Equal(t, "new driver", reason())
	s.do("POST", undrainSmall, "")
	s.do("POST", drainSmall, "")
	assert.Equal(t, defaultReason, reason())
}

func TestDrainNamesThatNeedEncoding(t *testing.T) {
	s := start(t)
	got := s.do("POST", "/api/v1/upstreams/chat/endpoints/%5B::1%5D:9002%2Fa%20b/drain", "")
	assert.Equal(t, 200, got.StatusCode, "%s", got.body)
	assert.True(t, s.fleet.Upstreams()[0].Endpoints[1].has(Draining))
}

func TestDrainRefusals(t *testing.T) {
	s := start(t)
	long := `{"reason": "` + strings.Repeat("x", reasonLength+1) + `"}`
	for _, c := range []struct {
		path, body string
		status     int
		message    string
	}{
		{"/api/v1/upstreams/chta/endpoints/small/drain", "", 404, "no upstream is named chta"},
		{"/api/v1/upstreams/chat/endpoints/smal/drain", "", 404, "no endpoint of upstream chat is named smal"},
		{drainSmall, `{"raeson": "x"}`, 400, `read body: json: unknown field "raeson": give {"reason": "..."} or nothing`},
		{drainSmall, `{"reason": 1}`, 400, "read body: reason must be a string"},
		{drainSmall, `{"reason": ["a"]}`, 400, "read body: reason must be a string"},
		{drainSmall, `["reason"]`, 400, `read body: must be an object: give {"reason": "..."} or nothing`},
		{drainSmall, `reason=x`, 400, "read body: invalid character 'r'"},
		{drainSmall, `{"reason": "x"} {}`, 400, "read body: more follows the JSON object"},
		{drainSmall, `{"reason": "a\nb"}`, 400, "reason: must be one line without control characters"},
		{drainSmall, long, 400, "reason: must be at most 256 characters, is 257"},
		{drainSmall, strings.Repeat(" ", drainBytes+1), 413, "request body too large"},
	} {
		got := s.do("POST", c.path, c.body)
		assert.Equal(t, c.status, got.StatusCode, "%s %s", c.path, c.body)
		assert.Contains(t, got.message(t), c.message)
		assert.NotContains(t, got.message(t), "Go ")
	}
	assert.False(t, s.fleet.Upstreams()[0].Endpoints[0].has(Draining))

	var body errorAnswer
	s.do("POST", "/api/v1/upstreams/chat/endpoints/smal/drain", "").into(t, &body)
	assert.Equal(t, []string{"small", "[::1]:9002/a b"}, body.Error.Known)
}

func TestDrainThatThePoolRefuses(t *testing.T) {
	s := start(t, func(_ *Options, s *running) { s.fleet.refusal = errors.New("pool is closed") })
	got := s.do("POST", drainSmall, "")
	assert.Equal(t, 500, got.StatusCode)
	assert.Equal(t, "drain endpoint small: pool is closed", got.message(t))
}

// TestDrainOfWhatJustLeft: discovery may remove an endpoint between the look
// and the change.
func TestDrainOfWhatJustLeft(t *testing.T) {
	s := start(t, func(_ *Options, s *running) {
		s.fleet.refusal = errors.New("no such member")
		s.fleet.onDrain = func() { s.fleet.upstreams[0].Endpoints = s.fleet.upstreams[0].Endpoints[1:] }
	})
	got := s.do("POST", drainSmall, "")
	assert.Equal(t, 404, got.StatusCode)
	assert.Equal(t, "no endpoint of upstream chat is named small", got.message(t))
}
