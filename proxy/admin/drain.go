// Draining an endpoint and undraining it.

package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.uber.org/zap"
)

// Limits of a drain's reason, which is shown in logs and in every state answer.
const (
	drainBytes    = 4 << 10 // of the request's body
	reasonLength  = 256     // characters
	defaultReason = "asked for on the admin listener"
)

type drainRequest struct {
	Reason string `json:"reason"`
}

type drainAnswer struct {
	Upstream string `json:"upstream"`
	Endpoint string `json:"endpoint"`
	Draining bool   `json:"draining"`
	Changed  bool   `json:"changed"` // false when it was so already
	Lasts    string `json:"lasts,omitempty"`
}

// drainLasts warns operators who restart the gateway during maintenance.
const drainLasts = "until undrain or a restart of steelyard; reloads keep it"

func (s *Server) postDrain(w http.ResponseWriter, r *http.Request)   { s.drain(w, r, true) }
func (s *Server) postUndrain(w http.ResponseWriter, r *http.Request) { s.drain(w, r, false) }

// reasonOf is why somebody asks for something, by the body; false: it has answered that the body is not one.
func (s *Server) reasonOf(w http.ResponseWriter, r *http.Request) (reason string, ok bool) {
	reason, err := readReason(http.MaxBytesReader(w, r.Body, drainBytes))
	if err == nil {
		return reason, true
	}
	status := http.StatusBadRequest
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		status = http.StatusRequestEntityTooLarge
	}
	fail(w, status, err.Error())
	return "", false
}

// drain sets or lifts the draining condition. To repeat it changes nothing and is
// no error.
func (s *Server) drain(w http.ResponseWriter, r *http.Request, on bool) {
	upstream, endpoint := r.PathValue("upstream"), r.PathValue("endpoint")
	reason, ok := s.reasonOf(w, r)
	if !ok {
		return
	}
	if !s.known(w, upstream, endpoint) {
		return
	}
	changed, err := s.fleet.Drain(upstream, endpoint, on, reason)
	if err != nil {
		// The endpoint may have gone between the two calls; then the answer is 404.
		if s.known(w, upstream, endpoint) {
			fail(w, http.StatusInternalServerError, fmt.Sprintf("drain endpoint %s: %v", endpoint, err))
		}
		return
	}
	s.viewers.outdated()
	s.log.Info("draining set by the operator",
		zap.String("upstream", upstream), zap.String("endpoint", endpoint), zap.Bool("draining", on),
		zap.Bool("changed", changed), zap.String("reason", reason), zap.String("client", r.RemoteAddr))
	told := drainAnswer{Upstream: upstream, Endpoint: endpoint, Draining: on, Changed: changed}
	if on {
		told.Lasts = drainLasts
	}
	answer(w, http.StatusOK, told)
}

// known reports whether the endpoint exists; if not it answers 404.
func (s *Server) known(w http.ResponseWriter, upstream, endpoint string) bool {
	u, known := find(s.fleet.Upstreams(), upstream)
	if u == nil {
		failUnknownUpstream(w, upstream, known)
		return false
	}
	if e, known := u.find(endpoint); e == nil {
		fail(w, http.StatusNotFound, "no endpoint of upstream "+upstream+" is named "+endpoint, known...)
		return false
	}
	return true
}

// readReason reads the optional body, whatever its content type: curl sends that
// of a form.
func readReason(body io.Reader) (string, error) {
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	var request drainRequest
	err := decoder.Decode(&request)
	wrongType, isType := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case errors.Is(err, io.EOF): // no body
	case isType && wrongType.Field == "reason":
		return "", errors.New("read body: reason must be a string")
	case isType:
		return "", errors.New(`read body: must be an object: give {"reason": "..."} or nothing`)
	case err != nil:
		return "", fmt.Errorf(`read body: %w: give {"reason": "..."} or nothing`, err)
	default:
		if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
			return "", errors.New("read body: more follows the JSON object: give one object or nothing")
		}
	}
	switch {
	case request.Reason == "":
		return defaultReason, nil
	case utf8.RuneCountInString(request.Reason) > reasonLength:
		return "", fmt.Errorf("reason: must be at most %d characters, is %d", reasonLength, utf8.RuneCountInString(request.Reason))
	case strings.ContainsFunc(request.Reason, unicode.IsControl):
		return "", errors.New("reason: must be one line without control characters")
	}
	return request.Reason, nil
}
