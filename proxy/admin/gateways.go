// The route that says which gateways share the servers.

package admin

import (
	"net/http"
	"strings"
	"time"
)

// Gateways are those that share the servers, as the API shows them.
type Gateways struct {
	By        string     `json:"by"` // what carries what they tell each other
	Cluster   string     `json:"cluster"`
	Reached   bool       `json:"reached"` // false: this one goes on alone
	ReachedAt *time.Time `json:"reached_at,omitempty"`
	Cause     string     `json:"cause,omitempty"` // why the others cannot be reached
	Count     int        `json:"count"`           // this one included
	Publish   float64    `json:"publish_s"`
	Gateways  []Gateway  `json:"gateways"` // this one first
}

// Gateway is one of them.
type Gateway struct {
	Name       string    `json:"name"`
	Self       bool      `json:"self"`
	HeardSince time.Time `json:"heard_since,omitzero"`
	Age        float64   `json:"age_s"`  // of what it has told
	Weight     float64   `json:"weight"` // how much of that counts, 0 to 1
	UnderWay   int64     `json:"under_way"`
	InFlight   int64     `json:"in_flight"`
	Waiting    int64     `json:"waiting"`
	Leads      []Leads   `json:"leads"`
}

// Leads is a right to act for all.
type Leads struct {
	Lease string `json:"lease"`
	Fence uint64 `json:"fence"` // grows with each gateway that gets it
}

func (s *Server) getGateways(w http.ResponseWriter, _ *http.Request) {
	if s.gateways == nil {
		fail(w, http.StatusNotFound, "this gateway is alone: give shared.redis or shared.peers and start again")
		return
	}
	answer(w, http.StatusOK, s.gateways())
}

const (
	maxPages  = 16      // of other gateways are taken at once
	pageBytes = 1 << 20 // of one
)

// takePages has what other gateways tell taken by whoever knows their signature: neither a token nor the name that the listener
// is asked under says more. Whoever is slow to send one keeps nobody else from it.
func (s *Server) takePages(pages, rest http.Handler) http.Handler {
	if pages == nil {
		return rest
	}
	take := s.conns.read(pageBytes, atMost(maxPages, pages.ServeHTTP))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/api/v1/gateways/") {
			take.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}
