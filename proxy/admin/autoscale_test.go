package admin

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// scales are one upstream that starts a server, and one of which nothing is known.
type scales struct{ paused map[string]string }

func (s *scales) Scales() []Scale {
	at, need, wait := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), 3.6, 38.0
	return []Scale{
		{Upstream: "blind", Min: 1, Max: 8, Wanted: 2, Current: 2, Reason: "2 stay: it is not known how much work waits, so that none goes", At: at, Paused: s.paused["blind"]},
		{
			Upstream: "chat", Min: 1, Max: 8, Actuator: "process", Wanted: 4, Current: 4, Ready: 3, Coming: 1, Draining: 1, Need: &need, WorkWaiting: &wait, Reason: "3 → 4: 38 s of work wait", At: at,
			Leader: true, Paused: s.paused["chat"], Inputs: map[string]float64{"busy": 2.9}, Servers: []ScaleServer{{Name: "chat-0", URL: "http://127.0.0.1:9100", State: "running", Since: at}},
			LastOrders: []ScaleOrder{{ID: "chat-3-4-x", At: at, From: 3, To: 4, Reason: "38 s of work wait", Result: "taken"}},
		},
	}
}

func (s *scales) Pause(upstream string, on bool, reason string) bool {
	was := s.paused[upstream]
	if s.paused[upstream] = ""; on {
		s.paused[upstream] = reason
	}
	return (was == "") == on
}

func scaled(o *Options, _ *running) { o.Autoscale = &scales{map[string]string{}} }

// TestAFigureForOthersIsNeverMadeUp: who scales by it would take a 0 for idle servers.
func TestAFigureForOthersIsNeverMadeUp(t *testing.T) {
	s := start(t, scaled)
	got := s.do("GET", "/api/v1/autoscale/blind", "")
	assert.Equal(t, 503, got.StatusCode)
	assert.Contains(t, string(got.body), "it is not known how much work waits")
	assert.Equal(t, "5", got.Header.Get("Retry-After"))
	var figure struct{ Value, Target float64 }
	s.do("GET", "/api/v1/autoscale/chat", "").into(t, &figure)
	assert.Equal(t, 3.6, figure.Value)
	assert.Equal(t, 1.0, figure.Target)
	assert.Contains(t, string(s.do("GET", "/api/v1/autoscale/no", "").body), `"blind",`)
}

func TestPauseAndResume(t *testing.T) {
	s := start(t, scaled)
	var a pauseAnswer
	s.do("POST", "/api/v1/autoscale/chat/pause", `{"reason": "we move racks"}`).into(t, &a)
	assert.Equal(t, pauseAnswer{"chat", true, true, "until resume: reloads and upgrades in place keep it, and restarts with alerts.state_file"}, a)
	assert.Contains(t, string(s.do("GET", "/api/v1/autoscale", "").body), `"paused": "we move racks"`)
	s.do("POST", "/api/v1/autoscale/chat/pause", "").into(t, &a)
	assert.False(t, a.Changed)
	a = pauseAnswer{}
	s.do("POST", "/api/v1/autoscale/chat/resume", "").into(t, &a)
	assert.Equal(t, pauseAnswer{Upstream: "chat", Changed: true}, a)
}

func TestTheStationScaleTellsOfWhatMoves(t *testing.T) {
	st := station{Name: "scale", State: idle}
	st.scaling((&scales{map[string]string{}}).Scales())
	assert.Equal(t, acts, st.State)
	assert.Equal(t, "chat: 4 servers of 1 to 8, 1 start, 1 drain", st.Now)
}
