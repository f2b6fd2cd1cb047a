// What the server refuses, in words.

package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Error is an answer that is no success.
type Error struct {
	Status   int
	Verb     string // as a role names it: get, list, watch, update, patch
	Resource Resource
	Message  string        // of the server; "": none
	After    time.Duration // what the server asks to wait; 0: nothing
	unknown  bool          // the server has no such kind of objects, or is none of Kubernetes
	source   string        // of the credentials
}

func (e *Error) Error() string {
	switch {
	case e.Status == http.StatusUnauthorized:
		return fmt.Sprintf("the API server does not know who asks (401): %s has expired, or is not one of this cluster's", e.source)
	case e.Status == http.StatusForbidden:
		group := e.Resource.Group
		if group == "" {
			group = `""`
		}
		where := " in all namespaces"
		if e.Resource.Namespace != "" {
			where = fmt.Sprintf(" in namespace %q", e.Resource.Namespace)
		}
		return fmt.Sprintf("not allowed (403): the role needs the verb %s on %s (API group %s)%s", e.Verb, e.Resource.kind(), group, where)
	case e.Status == http.StatusNotFound && e.unknown:
		version := strings.Trim(e.Resource.Group+"/"+e.Resource.Version, "/")
		return fmt.Sprintf("the API server has no %s of %s (404): is that installed, and is the address right?", e.Resource.kind(), version)
	case e.Status == http.StatusNotFound:
		return fmt.Sprintf("there are no %s (404)", e.Resource)
	case e.Status == http.StatusConflict:
		return fmt.Sprintf("%s: somebody else has changed it meanwhile (409)", e.Resource)
	case e.Status == http.StatusGone:
		return fmt.Sprintf("%s: the server has forgotten the version that was asked for (410)", e.Resource)
	}
	text := fmt.Sprintf("%s %s: the API server answered %d", e.Verb, e.Resource, e.Status)
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// Is says whether an error is an answer with that status.
func Is(err error, status int) bool {
	refused, is := errors.AsType[*Error](err)
	return is && refused.Status == status
}

// Unknown says whether an error means that the server has no such kind of objects at all.
func Unknown(err error) bool {
	refused, is := errors.AsType[*Error](err)
	return is && refused.Status == http.StatusNotFound && refused.unknown
}

// status is the object by which a server says what is wrong.
type status struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Reason  string `json:"reason"`
	Code    int    `json:"code"`
	Details struct {
		Seconds int `json:"retryAfterSeconds"`
	} `json:"details"`
}

const mostMessage = 512 // bytes of what a server says

// read fills in what a status says.
func (e *Error) read(s *status) {
	e.Message = clean(s.Message)
	e.After = max(e.After, time.Duration(min(s.Details.Seconds, 300))*time.Second)
}

// refused reads an answer that is no success.
func (c *Client) refused(answer *http.Response, verb string, r Resource) *Error {
	e := &Error{Status: answer.StatusCode, Verb: verb, Resource: r, source: c.source()}
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.After = time.Duration(min(seconds, 300)) * time.Second
	}
	body, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	var s status
	if err := json.Unmarshal(body, &s); err != nil || s.Kind != "Status" {
		e.unknown = true // for a path that it does not have, a server of Kubernetes answers in plain text
		return e
	}
	e.read(&s)
	e.unknown = strings.HasPrefix(s.Message, "the server could not find the requested resource")
	return e
}

// clean makes a server's text one short line.
func clean(text string) string {
	text = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > mostMessage {
		text = strings.ToValidUTF8(text[:mostMessage], "") + "…"
	}
	return text
}
