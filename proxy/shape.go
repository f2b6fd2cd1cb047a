// How an error looks, by the API that the client speaks.

package proxy

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/steelyard-proxy/steelyard/proxy/fault"
)

// api is whose API a request speaks. It decides how an error of ours looks: a client
// reads no other shape than its own. This file has all of them.
type api uint8

const (
	openAI    api = iota // and whatever is not known
	ollama               // /api/chat, /api/generate …
	anthropic            // /v1/messages, also under a prefix
)

// apiOf tells the API by the path.
func apiOf(path []byte) api {
	const ollamaPrefix, messages = "/api/", "/v1/messages"
	if bytes.HasPrefix(path, []byte(ollamaPrefix)) {
		return ollama
	}
	if _, rest, ok := bytes.Cut(path, []byte(messages)); ok && (len(rest) == 0 || rest[0] == '/') {
		return anthropic
	}
	return openAI
}

// problem is an error as it is told to a client.
type problem struct {
	source        fault.Source
	status        int
	code, message string
	requestID     string
}

func (x *exchange) problem(f *fault.Error) problem {
	return problem{f.Source(), f.Status(), f.Code(), f.Sentence(), string(x.requestID())}
}

// body is the body of an answer, and a line of a stream of JSON.
func (a api) body(p problem) []byte {
	switch a {
	case ollama:
		return marshal(struct {
			Error string `json:"error"`
		}{p.sentence()})
	case anthropic:
		type detail struct {
			Type    string `json:"type"`
			Message string `json:"message"`
		}
		return marshal(struct {
			Type      string `json:"type"`
			Error     detail `json:"error"`
			RequestID string `json:"request_id"`
		}{"error", detail{anthropicType(p.status), p.sentence()}, p.requestID})
	}
	type detail struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    string  `json:"code"`
	}
	return marshal(struct {
		Error detail `json:"error"`
	}{detail{Message: p.message, Type: p.source.ErrorType(), Code: p.code}})
}

// event is one event of a stream of events.
func (a api) event(p problem) []byte { return a.framed(a.body(p)) }

// framed is an error's body, which has no line ends, as an event.
func (a api) framed(body []byte) []byte {
	b := []byte("data: ")
	if a == anthropic {
		b = []byte("event: error\ndata: ")
	}
	return append(append(b, body...), "\n\n"...)
}

// isError says whether a body is an error of that API, by which its clients know one in a stream: what is null, or no object, they
// pass over.
func (a api) isError(body []byte) bool {
	var said struct {
		Type  string         `json:"type"`
		Error map[string]any `json:"error"`
	}
	return json.Unmarshal(body, &said) == nil && said.Error != nil && (a != anthropic || said.Type == "error")
}

// fields are the field lines that an error answer has besides X-Request-Id.
func (a api) fields(p problem) string {
	if a == anthropic { // where its SDKs look for it
		return "Request-Id: " + p.requestID + "\r\n"
	}
	return ""
}

// sentence is the message with the code, for shapes that have no place for one.
func (p problem) sentence() string { return p.message + " (" + p.code + ")" }

// anthropicType is the type of errors of that status.
func anthropicType(status int) string {
	switch status {
	case http.StatusNotFound:
		return "not_found_error"
	case http.StatusRequestEntityTooLarge:
		return "request_too_large"
	case http.StatusTooManyRequests:
		return "rate_limit_error"
	case http.StatusServiceUnavailable:
		return "overloaded_error"
	case http.StatusGatewayTimeout:
		return "timeout_error"
	}
	if status >= 500 {
		return "api_error"
	}
	return "invalid_request_error"
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("BUG: an error cannot be put into JSON: " + err.Error())
	}
	return b
}
