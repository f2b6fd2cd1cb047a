// Reading a request's body, and refusing it.

package backend

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"
)

// bodyLimit bounds a request's body, in bytes; prompts with images are large.
const bodyLimit = 64 << 20

// request is what the server reads of a request's body.
type request struct {
	Model               string          `json:"model"`
	Stream              bool            `json:"stream"`
	MaxTokens           *int            `json:"max_tokens"`
	MaxCompletionTokens *int            `json:"max_completion_tokens"` // OpenAI's later name for it
	Messages            json.RawMessage `json:"messages"`
	Prompt              json.RawMessage `json:"prompt"`
	StreamOptions       struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`

	limit int     // tokens asked for, 0 when the request leaves it open
	units float64 // work from WorkHeader, 0 without it

	arrived time.Time // with the last byte of its body
}

// readRequest reads and judges a request. Its error is a *refusal, or what
// broke the body off.
func (s *Server) readRequest(w http.ResponseWriter, r *http.Request, a *api) (*request, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &refusal{status: http.StatusRequestEntityTooLarge, kind: "invalid_request_error",
			message: fmt.Sprintf("body is larger than %d bytes", bodyLimit)}
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errUpload, err)
	}
	q := &request{arrived: time.Now()}
	if err := json.Unmarshal(body, q); err != nil {
		return nil, badRequest("", "body is not a JSON request: "+err.Error())
	}
	if len(a.input(q)) == 0 {
		return nil, badRequest(a.inputName, a.inputName+" is required")
	}
	if q.Model != "" && q.Model != s.options.Model {
		return nil, unknownModel(q.Model)
	}
	if err := q.size(r.Header.Get(WorkHeader)); err != nil {
		return nil, err
	}
	return q, nil
}

// size settles how much work is asked for.
func (q *request) size(work string) error {
	for _, limit := range []*int{q.MaxTokens, q.MaxCompletionTokens} {
		if limit == nil {
			continue
		}
		if *limit < 1 || *limit > tokenLimit {
			return badRequest("max_tokens", fmt.Sprintf("max_tokens %d: must lie between 1 and %d", *limit, tokenLimit))
		}
		q.limit = *limit
	}
	if work == "" {
		return nil
	}
	units, err := strconv.ParseFloat(work, 64)
	if err != nil || !(units > 0) || math.IsInf(units, 1) {
		return badRequest(WorkHeader, fmt.Sprintf("%s %q: must be a positive number of units", WorkHeader, work))
	}
	q.units = units
	return nil
}

// refusal is an answer that is an error, in OpenAI's shape.
type refusal struct {
	status  int
	kind    string // "type" in the body
	param   string // the field that is wrong, if one is
	code    string
	message string
}

func (f *refusal) Error() string { return f.message }

func badRequest(param, message string) *refusal {
	return &refusal{status: http.StatusBadRequest, kind: "invalid_request_error", param: param, message: message}
}

func unknownModel(id string) *refusal {
	return &refusal{status: http.StatusNotFound, kind: "invalid_request_error", param: "model",
		code: "model_not_found", message: fmt.Sprintf("The model %q does not exist", id)}
}

// body is the error object; absent param and code are null, as SDKs expect.
func (f *refusal) body() map[string]any {
	orNull := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	return map[string]any{"error": map[string]any{
		"message": f.message, "type": f.kind, "param": orNull(f.param), "code": orNull(f.code),
	}}
}

func writeRefusal(w http.ResponseWriter, f *refusal) {
	if f.status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, f.status, f.body())
}
