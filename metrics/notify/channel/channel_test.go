package channel

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/steelyard-proxy/steelyard/metrics/alert"
	"github.com/steelyard-proxy/steelyard/metrics/notify"
	"github.com/steelyard-proxy/steelyard/metrics/notify/dispatch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var began = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

var aKey = notify.NewSecret("0123456789abcdef01234567")

// aMessage has one alert that fires and one that is over.
func aMessage() *dispatch.Message {
	return &dispatch.Message{
		ID: "alert-1", Receiver: "hook", Gateway: "gw1", Name: "endpoint-down", Upstream: "chat", Severity: "ticket",
		Firing: []alert.Alert{{Name: "endpoint-down", Severity: "ticket", Upstream: "chat", Endpoint: "small", State: alert.Firing, StartsAt: began,
			Value: 1.5, Summary: "endpoint small <is> down", Remedy: "look at it", Labels: map[string]string{"de tector": "ratio"}}},
		Resolved: []alert.Alert{{Name: "endpoint-down", Severity: "ticket", Upstream: "chat", Endpoint: "large", StartsAt: began,
			EndsAt: began.Add(time.Minute), Value: 0, Summary: "endpoint large is down", Reason: "removed"}},
	}
}

// sink is a receiver over a socket.
type sink struct {
	*httptest.Server
	mu     sync.Mutex // guards what follows
	bodies []string
	heads  []http.Header
	paths  []string
}

func newSink(t *testing.T, answer func(n int, w http.ResponseWriter)) *sink {
	t.Helper()
	s := &sink{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.bodies, s.heads, s.paths = append(s.bodies, string(body)), append(s.heads, r.Header), append(s.paths, r.URL.Path)
		n := len(s.bodies) - 1
		s.mu.Unlock()
		if answer != nil {
			answer(n, w)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sink) target() notify.Target {
	return notify.Target{URL: notify.NewSecret(s.URL + "/secret-path"), Keys: []notify.Secret{aKey}, Timeout: time.Minute}
}

func always() bool { return true }

func send(t *testing.T, c dispatch.Channel, m *dispatch.Message) (attempts int, err error) {
	t.Helper()
	defer c.Close()
	err = c.Send(t.Context(), m, always, func(error) { attempts++ })
	return attempts, err
}

func TestAWebhookGetsAlertmanagersBody(t *testing.T) {
	s := newSink(t, nil)
	attempts, err := send(t, NewWebhook(s.target()), aMessage())
	require.NoError(t, err)
	assert.Equal(t, 1, attempts)
	assert.Equal(t, "alert-1", s.heads[0].Get("Webhook-Id"))
	assert.Contains(t, s.heads[0].Get("Webhook-Signature"), "v1,")
	assert.JSONEq(t, `{
		"version": "4", "groupKey": "{}:{alertname=\"endpoint-down\", upstream=\"chat\"}", "truncatedAlerts": 0, "status": "firing", "receiver": "hook",
		"groupLabels": {"alertname": "endpoint-down", "upstream": "chat"},
		"commonLabels": {"alertname": "endpoint-down", "upstream": "chat", "severity": "ticket", "gateway": "gw1"},
		"commonAnnotations": {}, "externalURL": "",
		"alerts": [
			{"status": "firing", "labels": {"alertname": "endpoint-down", "upstream": "chat", "severity": "ticket", "gateway": "gw1", "endpoint": "small", "de_tector": "ratio"},
			 "annotations": {"summary": "endpoint small <is> down", "remedy": "look at it", "value": "1.5"},
			 "startsAt": "2026-03-02T09:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "", "fingerprint": "`+fingerprint(aMessage().Firing)+`"},
			{"status": "resolved", "labels": {"alertname": "endpoint-down", "upstream": "chat", "severity": "ticket", "gateway": "gw1", "endpoint": "large"},
			 "annotations": {"summary": "endpoint large is down", "reason": "removed", "value": "0"},
			 "startsAt": "2026-03-02T09:00:00Z", "endsAt": "2026-03-02T09:01:00Z", "generatorURL": "", "fingerprint": "`+fingerprint(aMessage().Resolved)+`"}
		]}`, s.bodies[0])
}

func fingerprint(list []alert.Alert) string { return list[0].Fingerprint() }

func TestALongListIsCut(t *testing.T) {
	m := aMessage()
	for range 200 {
		m.Resolved = append(m.Resolved, m.Firing[0])
	}
	b := bodyOf(m)
	assert.Len(t, b.Alerts, mostAlerts)
	assert.Equal(t, 102, b.TruncatedAlerts)
}

// TestAnswersAreUnderstood: which are final, which ask for a pause, and which are tried again at once.
func TestAnswersAreUnderstood(t *testing.T) {
	for _, c := range []struct {
		status      int
		after       string
		final, gone bool
		pause       time.Duration
	}{
		{status: 400, final: true}, {status: 404, final: true}, {status: 302, final: true}, {status: 410, final: true, gone: true},
		{status: 429, after: "3600", pause: 5 * time.Minute}, {status: 503, after: "60", pause: time.Minute},
	} {
		s := newSink(t, func(_ int, w http.ResponseWriter) {
			w.Header().Set("Retry-After", c.after)
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(c.status)
		})
		attempts, err := send(t, NewWebhook(s.target()), aMessage())
		require.Error(t, err)
		assert.Equal(t, 1, attempts, c.status)
		assert.NotContains(t, err.Error(), "secret-path")
		final, isFinal := errors.AsType[*dispatch.Final](err)
		assert.Equal(t, c.final, isFinal, c.status)
		assert.Equal(t, c.gone, isFinal && final.Gone, c.status)
		later, isLater := errors.AsType[*dispatch.Later](err)
		assert.Equal(t, c.pause > 0, isLater, c.status)
		if isLater {
			assert.Equal(t, c.pause, later.After)
		}
	}
}

// TestAMessageThatIsNotWantedIsTriedNoMore: a newer one waits.
func TestAMessageThatIsNotWantedIsTriedNoMore(t *testing.T) {
	s := newSink(t, func(_ int, w http.ResponseWriter) { w.WriteHeader(500) })
	w := NewWebhook(s.target())
	defer w.Close()
	err := w.Send(t.Context(), aMessage(), func() bool { return false }, func(error) {})
	assert.EqualError(t, err, "answered 500")
	assert.Len(t, s.bodies, 1)
}

func TestAlertmanagerIsToldByItsAPI(t *testing.T) {
	s := newSink(t, nil)
	target := s.target()
	target.URL = notify.NewSecret(s.URL + "/prefix/")
	m := NewAlertmanager(target, "gw1")
	defer m.Close()
	message := aMessage()
	now := began.Add(time.Hour)
	require.NoError(t, m.Tell(t.Context(), append(message.Firing, message.Resolved...), now))
	assert.Equal(t, []string{"/prefix/api/v2/alerts"}, s.paths)
	assert.Empty(t, s.heads[0].Get("Webhook-Signature"))
	assert.JSONEq(t, `[
		{"labels": {"alertname": "endpoint-down", "upstream": "chat", "severity": "ticket", "gateway": "gw1", "endpoint": "small", "de_tector": "ratio"},
		 "annotations": {"summary": "endpoint small <is> down", "remedy": "look at it", "value": "1.5"},
		 "startsAt": "2026-03-02T09:00:00Z", "endsAt": "2026-03-02T10:05:00Z"},
		{"labels": {"alertname": "endpoint-down", "upstream": "chat", "severity": "ticket", "gateway": "gw1", "endpoint": "large"},
		 "annotations": {"summary": "endpoint large is down", "reason": "removed", "value": "0"},
		 "startsAt": "2026-03-02T09:00:00Z", "endsAt": "2026-03-02T09:01:00Z"}]`, s.bodies[0])

	many := make([]alert.Alert, 600)
	require.NoError(t, m.Tell(t.Context(), many, now))
	require.Len(t, s.bodies, 4)
	var last []postedAlert
	require.NoError(t, json.Unmarshal([]byte(s.bodies[3]), &last))
	assert.Len(t, last, 600-2*mostPosted)
}

func TestAnAlertmanagerThatIsAwayIsNoSecret(t *testing.T) {
	m := NewAlertmanager(notify.Target{URL: notify.NewSecret("http://user:word@127.0.0.1:1"), Timeout: time.Minute}, "gw1")
	defer m.Close()
	assert.EqualError(t, m.Tell(context.Background(), aMessage().Firing, began), "connect: connection refused")
}
