// The routes that say what is odd, where, and what is taken for normal from now on.

package admin

import (
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"
)

// Anomalies finds faults. Its methods are called from many goroutines at once.
type Anomalies interface {
	// Faults are those that go on, and those of the last days.
	Faults() Faults
	// Normal takes what a fault says for normal from now on, and reports whether there is one of that ID that goes on.
	Normal(id string) bool
}

// Faults is what is odd, as the API shows it.
type Faults struct {
	Faults []Fault `json:"faults"` // the newest first, those that are over behind the others
	Trends []Trend `json:"trends"` // the soonest first
}

// Fault is one thing that is odd.
type Fault struct {
	ID       string         `json:"id"`
	Kind     string         `json:"kind"`  // slow, errors, truncated, stalls, apart, demand or overhead
	Cause    string         `json:"cause"` // whose fault it is: endpoint, model, user, network, upstream, demand or gateway
	Place    FaultPlace     `json:"place"`
	Since    time.Time      `json:"since"`
	Found    time.Time      `json:"found_at"`
	Until    *time.Time     `json:"until,omitempty"` // nil: it goes on
	Ratio    float64        `json:"ratio"`           // times the usual; of errors, truncated and stalls the part of the requests
	Share    float64        `json:"share"`           // the part of the excess that its place has, 0 to 1
	Parts    []FaultPart    `json:"parts"`           // who has how much of it, the most first
	Text     string         `json:"text"`
	WhatToDo string         `json:"what_to_do"`
	Evidence map[string]any `json:"evidence"`
	Shadow   bool           `json:"shadow"` // it is told here alone, and no event says so
}

// FaultPlace is where a fault is; what is empty is no part of it.
type FaultPlace struct {
	Upstream string `json:"upstream,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
	Model    string `json:"model,omitempty"`
	User     string `json:"user,omitempty"`
	Phase    string `json:"phase,omitempty"`
}

// FaultPart is who has a part of what is odd.
type FaultPart struct {
	Name    string  `json:"name"`
	Part    float64 `json:"part"`    // of the excess
	Traffic float64 `json:"traffic"` // of the requests
}

// Trend is a figure that will be out of its limit within a week.
type Trend struct {
	Place    FaultPlace `json:"place"`
	Quantity string     `json:"quantity"`
	Since    time.Time  `json:"since"`
	Now      float64    `json:"now"`
	Limit    float64    `json:"limit"`
	Earliest time.Time  `json:"earliest"`         // when the limit is reached, with 80 % certainty
	Latest   *time.Time `json:"latest,omitempty"` // nil: maybe never
	Text     string     `json:"text"`
}

func (s *Server) getFaults(w http.ResponseWriter, _ *http.Request) {
	if s.anomalies == nil {
		failNoAnomalies(w)
		return
	}
	answer(w, http.StatusOK, s.anomalies.Faults())
}

// postNormal takes what a fault says for normal.
func (s *Server) postNormal(w http.ResponseWriter, r *http.Request) {
	if s.anomalies == nil {
		failNoAnomalies(w)
		return
	}
	id := r.PathValue("id")
	if !s.anomalies.Normal(id) {
		var known []string
		for _, f := range s.anomalies.Faults().Faults {
			if f.Until == nil {
				known = append(known, f.ID)
			}
		}
		fail(w, http.StatusNotFound, fmt.Sprintf("no fault that goes on has the id %q", id), known...)
		return
	}
	s.sections.stale()
	s.log.Info("a fault is taken for normal", zap.String("fault", id), zap.String("client", r.RemoteAddr))
	w.WriteHeader(http.StatusNoContent)
}

func failNoAnomalies(w http.ResponseWriter) {
	fail(w, http.StatusNotFound, "nobody looks for faults: remove anomalies: off from the configuration and start again")
}
