// The requests of a trace, written as HTTP.

package load

import (
	"bytes"
	"strconv"

	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// messages writes the requests of a trace as HTTP, into one buffer.
type messages struct {
	head   []byte // the request line and the fields that are always the same
	before []byte // the body up to the prompt
	after  []byte // the body behind the prompt, up to the fields that not all requests have
	prompt []byte // as long as the longest so far

	prompts  *prompts // of real inference work; nil: prompts have a length and nothing else
	numbered bool
	sent     int64 // requests so far

	message []byte // reused
}

// workHeader is what bench/backend reads the work of a request from.
const workHeader = "X-Simulated-Work"

// NumberHeader carries the number of a request of Send, from 0 on, where Options ask for it.
const NumberHeader = "X-Request-Number"

// filler is what prompts are made of: plain ASCII that JSON takes as it is.
const filler = "Weigh unlike things fairly. "

func newMessages(host, model string) *messages {
	after := `"}]`
	if model != "" {
		after += `,"model":` + quoted(model)
	}
	return &messages{
		head: []byte("POST /v1/chat/completions HTTP/1.1\r\nHost: " + host + "\r\nAccept: application/json\r\n" +
			"Content-Type: application/json\r\n"),
		before: []byte(`{"messages":[{"role":"user","content":"`),
		after:  []byte(after),
	}
}

// next is the message of a request. It holds until the next call.
func (m *messages) next(r *trace.Request) []byte {
	if m.prompts != nil {
		body := m.prompts.next(r, m.sent)
		m.message = append(m.begin(len(body)), body...)
		return m.message
	}
	for len(m.prompt) < r.PromptBytes {
		m.prompt = append(m.prompt, bytes.Repeat([]byte(filler), 1+r.PromptBytes/len(filler))...)
	}
	var room [64]byte
	rest := append(room[:0], m.after...)
	if r.MaxTokens > 0 {
		rest = append(rest, `,"max_tokens":`...)
		rest = strconv.AppendInt(rest, int64(r.MaxTokens), 10)
	}
	if r.Stream {
		rest = append(rest, `,"stream":true`...)
	}
	rest = append(rest, '}')

	out := append(m.begin(len(m.before)+r.PromptBytes+len(rest), workHeader+": "+strconv.FormatFloat(r.Work, 'g', -1, 64)+"\r\n"), m.before...)
	out = append(out, m.prompt[:r.PromptBytes]...)
	m.message = append(out, rest...)
	return m.message
}

// begin writes a message up to its body, with fields that others do not have.
func (m *messages) begin(bodyBytes int, fields ...string) []byte {
	out := append(m.message[:0], m.head...)
	for _, field := range fields {
		out = append(out, field...)
	}
	if m.numbered {
		out = append(out, NumberHeader+": "...)
		out = strconv.AppendInt(out, m.sent, 10)
		out = append(out, "\r\n"...)
	}
	m.sent++
	out = append(out, "Content-Length: "...)
	out = strconv.AppendInt(out, int64(bodyBytes), 10)
	return append(out, "\r\n\r\n"...)
}
