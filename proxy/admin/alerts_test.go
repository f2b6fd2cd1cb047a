package admin

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// someAlerts are one that fires and one that was over, and a receiver that fails.
func someAlerts(o *Options, _ *running) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	o.Alerts = func() Alerts {
		return Alerts{
			Alerts: []Alert{
				{Name: "no-endpoint", Severity: "page", State: "firing", Upstream: "chat", Labels: map[string]string{}, Since: at, StartsAt: &at, Fingerprint: "0123456789abcdef"},
				{Name: "endpoint-down", Severity: "ticket", State: "inactive", Upstream: "chat", Endpoint: "small", Labels: map[string]string{"slo": "x"},
					Since: at, StartsAt: &at, EndsAt: &at, Note: "n", Reason: "removed", Fingerprint: "0123456789abcdee", SilencedBy: "s", InhibitedBy: "0123456789abcdef"},
			},
			Receivers: []Receiver{{Name: "ops", Kind: "webhook", Waiting: 2, LastSuccessAt: &at, LastError: "500", FailingSince: &at}},
		}
	}
}

func TestAlertsAreShown(t *testing.T) {
	s := start(t, someAlerts)
	var got Alerts
	answer := s.do("GET", "/api/v1/alerts", "")
	answer.into(t, &got)
	require.Len(t, got.Alerts, 2)
	assert.Equal(t, []string{"firing", "chat", "ops"}, []string{got.Alerts[0].State, got.Alerts[0].Upstream, got.Receivers[0].Name})
	assert.Nil(t, got.Alerts[0].EndsAt)
	assert.Equal(t, 403, s.do("GET", "/api/v1/alerts", "", "Host", "evil.example").StatusCode, "no web page may read them")
}
