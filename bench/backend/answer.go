// Answers in the shape of the OpenAI API, sent whole.

package backend

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// api is one shape of inference request and answer.
type api struct {
	object, chunkObject string
	idPrefix            string
	inputName           string
	input               func(*request) json.RawMessage
	choice              func(text, finish string) any // in an answer that comes whole
	delta               func(text, finish string) any // in a stream; finish is "" until the last
}

var chat = &api{
	object: "chat.completion", chunkObject: "chat.completion.chunk", idPrefix: "chatcmpl-", inputName: "messages",
	input: func(q *request) json.RawMessage { return q.Messages },
	choice: func(text, finish string) any {
		return map[string]any{"index": 0, "message": map[string]any{"role": "assistant", "content": text, "refusal": nil},
			"logprobs": nil, "finish_reason": finish}
	},
	delta: func(text, finish string) any {
		if finish != "" {
			return map[string]any{"index": 0, "delta": map[string]any{}, "logprobs": nil, "finish_reason": finish}
		}
		return map[string]any{"index": 0, "delta": map[string]any{"role": "assistant", "content": text},
			"logprobs": nil, "finish_reason": nil}
	},
}

var completion = &api{
	object: "text_completion", chunkObject: "text_completion", idPrefix: "cmpl-", inputName: "prompt",
	input: func(q *request) json.RawMessage { return q.Prompt },
	choice: func(text, finish string) any {
		return map[string]any{"index": 0, "text": text, "logprobs": nil, "finish_reason": finish}
	},
	delta: func(text, finish string) any {
		if finish != "" {
			return map[string]any{"index": 0, "text": "", "logprobs": nil, "finish_reason": finish}
		}
		return map[string]any{"index": 0, "text": text, "logprobs": nil, "finish_reason": nil}
	},
}

type usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`

	Details *promptDetails `json:"prompt_tokens_details,omitempty"`
}

// promptDetails are told by engines that remember prompts.
type promptDetails struct {
	CachedTokens int `json:"cached_tokens"`
}

// envelope is what an answer, and each chunk of a stream, has in common.
type envelope struct {
	ID                string `json:"id"`
	Object            string `json:"object"`
	Created           int64  `json:"created"` // Unix seconds
	Model             string `json:"model"`
	SystemFingerprint string `json:"system_fingerprint"`
	Choices           []any  `json:"choices"`
	Usage             any    `json:"usage,omitempty"` // a usage, or null as JSON
}

// answer is one request's answer, before it is known how it will be sent.
type answer struct {
	api       *api
	envelope  envelope
	usage     usage
	finish    string
	withUsage bool // the stream was asked to end with its usage
	words     []string
	deltas    [][]byte // the words as choices of a stream, encoded
}

func (s *Server) newAnswer(a *api, q *request, promptTokens, tokens int) *answer {
	finish := "stop"
	if q.limit > 0 {
		finish = "length"
	}
	return &answer{
		api: a, finish: finish, withUsage: q.StreamOptions.IncludeUsage,
		usage: usage{PromptTokens: promptTokens, CompletionTokens: tokens, TotalTokens: promptTokens + tokens},
		words: s.words, deltas: s.deltas[a],
		envelope: envelope{
			ID:     fmt.Sprintf("%s%s-%d", a.idPrefix, s.options.Name, s.answers.Add(1)),
			Object: a.object, Created: time.Now().Unix(), Model: s.options.Model, SystemFingerprint: s.options.Name,
		},
	}
}

// speech is what a server says, over and over: one word is one token.
func speech(name string) []string {
	words := strings.Fields("This is " + name + ", a simulated inference server, weighing unlike things fairly.")
	for i := range words {
		words[i] += " "
	}
	return words
}

// respond sends the answer of a job that has begun, whole, when the job is at its end. It is written
// before the end, so that the last token is out when it is made.
func (s *Server) respond(ctx context.Context, w http.ResponseWriter, j *job, a *answer) error {
	var text strings.Builder
	for k := range j.tokens {
		text.WriteString(a.words[k%len(a.words)])
	}
	a.envelope.Choices = []any{a.api.choice(text.String(), a.finish)}
	a.envelope.Usage = a.usage
	body := append(encode(a.envelope), '\n')
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))

	kind, err := s.token(ctx, j, j.tokens)
	if err != nil {
		return err
	}
	cut := brokenHalfWay(kind)
	if cut == nil {
		_, err = w.Write(body)
		return err
	}
	if _, err := w.Write(body[:len(body)/2]); err != nil {
		return err
	}
	_ = http.NewResponseController(w).Flush() // the next line ends the connection either way
	return cut
}
