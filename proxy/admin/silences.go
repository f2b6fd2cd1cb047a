// The routes by which alerts are silenced.

package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"
)

// Silences are the silences of alerts, wherever they are kept.
type Silences interface {
	Silences() []Silence
	// Silence begins one. The error has a line for each mistake.
	Silence(Silence) (Silence, error)
	// Unsilence ends one, and reports whether there was one.
	Unsilence(id string) bool
}

// Silence keeps alerts from being told.
type Silence struct {
	ID       string    `json:"id"`
	Matchers []Matcher `json:"matchers"`
	Author   string    `json:"author"`
	Comment  string    `json:"comment"`
	StartsAt time.Time `json:"starts_at"`
	EndsAt   time.Time `json:"ends_at"`
}

// Matcher matches alerts by one label.
type Matcher struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Regex bool   `json:"regex"` // Value is a regular expression for the whole label
}

type silencesAnswer struct {
	Silences []Silence `json:"silences"`
}

// silenceRequest is what is posted.
type silenceRequest struct {
	Matchers []Matcher  `json:"matchers"`
	Author   string     `json:"author"`
	Comment  string     `json:"comment"`
	For      string     `json:"for"` // a duration from now; or EndsAt
	EndsAt   *time.Time `json:"ends_at"`
}

const silenceBody = `{"matchers": [{"name": "upstream", "value": "chat"}], "author": "…", "comment": "…", "for": "2h"}`

func (s *Server) getSilences(w http.ResponseWriter, _ *http.Request) {
	if s.silences == nil {
		failNoAlerts(w)
		return
	}
	answer(w, http.StatusOK, silencesAnswer{append([]Silence{}, s.silences.Silences()...)})
}

func (s *Server) postSilence(w http.ResponseWriter, r *http.Request) {
	if s.silences == nil {
		failNoAlerts(w)
		return
	}
	wanted, err := readSilence(http.MaxBytesReader(w, r.Body, drainBytes), time.Now())
	if err != nil {
		status := http.StatusBadRequest
		if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
			status = http.StatusRequestEntityTooLarge
		}
		fail(w, status, err.Error())
		return
	}
	begun, err := s.silences.Silence(wanted)
	if err != nil {
		fail(w, http.StatusBadRequest, strings.ReplaceAll(err.Error(), "\n", "; "))
		return
	}
	s.log.Info("alerts silenced by the operator", zap.String("silence", begun.ID), zap.String("author", begun.Author),
		zap.Time("ends_at", begun.EndsAt), zap.String("client", r.RemoteAddr))
	answer(w, http.StatusCreated, begun)
}

func (s *Server) deleteSilence(w http.ResponseWriter, r *http.Request) {
	if s.silences == nil {
		failNoAlerts(w)
		return
	}
	id := r.PathValue("id")
	if !s.silences.Unsilence(id) {
		var known []string
		for _, silence := range s.silences.Silences() {
			known = append(known, silence.ID)
		}
		fail(w, http.StatusNotFound, "no silence has the id "+id+": it has ended, or never was", known...)
		return
	}
	s.log.Info("silence ended by the operator", zap.String("silence", id), zap.String("client", r.RemoteAddr))
	w.WriteHeader(http.StatusNoContent)
}

func failNoAlerts(w http.ResponseWriter) {
	fail(w, http.StatusNotFound, "there are no alerts here: this process was started without them")
}

// readSilence reads what is posted. What it asks for is checked by whoever keeps silences; here is only its form.
func readSilence(body io.Reader, now time.Time) (Silence, error) {
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	var request silenceRequest
	if err := decoder.Decode(&request); err != nil {
		return Silence{}, fmt.Errorf("read body: %w: give %s", err, silenceBody)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Silence{}, errors.New("read body: more follows the JSON object: give one object")
	}
	wanted := Silence{Matchers: request.Matchers, Author: request.Author, Comment: request.Comment}
	switch {
	case request.For != "" && request.EndsAt != nil:
		return wanted, errors.New("for: ends_at is given as well: keep one of the two")
	case request.EndsAt != nil:
		wanted.EndsAt = *request.EndsAt
	case request.For != "":
		length, err := time.ParseDuration(request.For)
		if err != nil || length <= 0 {
			return wanted, fmt.Errorf(`for: %q is no duration to come: write it like "30m" or "2h"`, request.For)
		}
		wanted.EndsAt = now.Add(length)
	}
	return wanted, nil
}
