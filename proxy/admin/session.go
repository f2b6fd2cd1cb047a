// Logging in on the page, and the token that its own requests carry.

package admin

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

const sessionPath = "/api/v1/session"

// pageHeader carries the token of the page on each request of a browser that changes something.
const pageHeader = "X-Steelyard-Page"

type sessionAnswer struct {
	Login string `json:"login"`          // off: none is needed; done; needed
	Token string `json:"page,omitempty"` // for X-Steelyard-Page
}

type loginRequest struct {
	Token string `json:"token"`
}

// newPageToken is one that no other page can know. It lives as long as the process.
func newPageToken() string { return rand.Text() }

// getSession tells the page whether it must log in, and the token that its requests need.
func (s *Server) getSession(w http.ResponseWriter, r *http.Request) {
	token := s.access.asked()
	switch {
	case token == "":
		answer(w, http.StatusOK, sessionAnswer{"off", s.pageToken})
	case s.access.session(token, r):
		answer(w, http.StatusOK, sessionAnswer{"done", s.pageToken})
	default:
		answer(w, http.StatusOK, sessionAnswer{Login: "needed"})
	}
}

// postSession logs a browser in that shows the token.
func (s *Server) postSession(w http.ResponseWriter, r *http.Request) {
	var request loginRequest
	if err := json.NewDecoder(io.LimitReader(r.Body, drainBytes)).Decode(&request); err != nil {
		fail(w, http.StatusBadRequest, `read body: give {"token": "…"}`)
		return
	}
	token := s.access.asked()
	if token == "" {
		answer(w, http.StatusOK, sessionAnswer{"off", s.pageToken})
		return
	}
	if !s.access.try(w, r, token, strings.TrimSpace(request.Token)) {
		return
	}
	http.SetCookie(w, newCookie(token, s.access.now(), overTLS(r)))
	answer(w, http.StatusOK, sessionAnswer{"done", s.pageToken})
}

// deleteSession logs the browser out.
func (s *Server) deleteSession(w http.ResponseWriter, r *http.Request) {
	if token := s.access.asked(); token != "" {
		c := newCookie(token, s.access.now(), overTLS(r))
		c.Value, c.MaxAge = "", -1
		http.SetCookie(w, c)
	}
	answer(w, http.StatusOK, sessionAnswer{Login: "needed"})
}

// overTLS says whether the browser speaks TLS, to a proxy in between.
func overTLS(r *http.Request) bool { return strings.HasPrefix(r.Header.Get("Origin"), "https://") }
