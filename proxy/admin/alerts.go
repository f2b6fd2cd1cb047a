// The route that shows alerts.

package admin

import (
	"net/http"
	"time"
)

// Alerts are the alerts that there are, and who is told of them.
type Alerts struct {
	Alerts    []Alert    `json:"alerts"`    // what fires first; then what is pending, and what was over lately
	Receivers []Receiver `json:"receivers"` // in configured order
}

// Alert is one alert, as the API shows it.
type Alert struct {
	Name        string            `json:"name"`
	Severity    string            `json:"severity"` // page, ticket or info
	State       string            `json:"state"`    // firing, pending, or inactive: it was over within the last 15 minutes
	Upstream    string            `json:"upstream"` // empty: the gateway as a whole
	Endpoint    string            `json:"endpoint"` // empty: the upstream as a whole
	Labels      map[string]string `json:"labels"`
	Since       time.Time         `json:"since"`               // it is in this state
	StartsAt    *time.Time        `json:"starts_at,omitempty"` // it began to fire
	EndsAt      *time.Time        `json:"ends_at,omitempty"`   // it was over
	Value       float64           `json:"value"`
	Summary     string            `json:"summary"`
	Remedy      string            `json:"remedy"`
	Note        string            `json:"note,omitempty"`   // on how it was judged
	Reason      string            `json:"reason,omitempty"` // for which it was over, if not because its condition no longer held
	Fingerprint string            `json:"fingerprint"`
	SilencedBy  string            `json:"silenced_by"`  // the ID of a silence; empty: none
	InhibitedBy string            `json:"inhibited_by"` // the fingerprint of an alert that says it all; empty: none
	Flapping    bool              `json:"flapping"`     // it changes too often: it counts as firing until it is calm
}

// Receiver is one of those that are told of alerts.
type Receiver struct {
	Name          string     `json:"name"`
	Kind          string     `json:"kind"`
	Waiting       int        `json:"waiting"` // messages that it has not taken yet
	LastSuccessAt *time.Time `json:"last_success_at,omitempty"`
	LastError     string     `json:"last_error"`
	FailingSince  *time.Time `json:"failing_since,omitempty"`
}

func (s *Server) getAlerts(w http.ResponseWriter, _ *http.Request) {
	if s.alerts == nil {
		fail(w, http.StatusNotFound, "no alerts are watched here: this gateway was built without them")
		return
	}
	answer(w, http.StatusOK, s.alerts())
}
