package load

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Request is one request to send: a POST of JSON.
type Request struct {
	Path   string
	Body   []byte
	Stream bool        // the answer is an event stream that ends with [DONE]
	Header http.Header // besides Content-Type; nil for none; not changed by sending
}

// ChatOptions describe a chat request.
type ChatOptions struct {
	Model     string // "" leaves it out, which servers of one model accept
	Prompt    string // the user's message
	MaxTokens int    // 0 leaves it out
	Stream    bool
	Work      float64 // units of work told to a simulated server apart from MaxTokens; 0 tells none
}

// workHeader is what bench/backend reads the work of a request from.
const workHeader = "X-Simulated-Work"

// Chat makes a request for a chat completion.
func Chat(o ChatOptions) Request {
	body, err := json.Marshal(struct {
		Model     string              `json:"model,omitempty"`
		Messages  []map[string]string `json:"messages"`
		MaxTokens int                 `json:"max_tokens,omitempty"`
		Stream    bool                `json:"stream,omitempty"`
	}{o.Model, []map[string]string{{"role": "user", "content": o.Prompt}}, o.MaxTokens, o.Stream})
	if err != nil {
		panic("BUG: encode chat request: " + err.Error()) // strings and numbers always have a JSON form
	}
	r := Request{Path: "/v1/chat/completions", Body: body, Stream: o.Stream}
	if o.Work > 0 {
		r.Header = http.Header{workHeader: {strconv.FormatFloat(o.Work, 'g', -1, 64)}}
	}
	return r
}
