package payload_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/payload"
)

// said is a stream of a chat that says the words, as vLLM sends it, from the prefix on.
func said(id string, words []string, prompt, before int) string {
	var b strings.Builder
	event := func(delta, reason string) {
		fmt.Fprintf(&b, "data: {\"id\":%q,\"object\":\"chat.completion.chunk\",\"created\":%d,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":%s,\"logprobs\":null,\"finish_reason\":%s}]}\n\n",
			id, len(id), delta, reason)
	}
	event(`{"role":"assistant","content":""}`, "null")
	for _, w := range words {
		text, _ := json.Marshal(map[string]string{"content": w})
		event(string(text), "null")
	}
	event(`{"content":""}`, `"stop"`)
	fmt.Fprintf(&b, "data: {\"id\":%q,\"choices\":[],\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%d,\"total_tokens\":%d}}\n\ndata: [DONE]\n\n",
		id, prompt+before, len(words), prompt+before+len(words))
	return b.String()
}

// reader is what a client makes of a stream.
type reader struct {
	text   string
	roles  int
	ids    map[string]bool
	usage  map[string]int
	reason string
	done   bool
}

func read(t *testing.T, stream string) (r reader) {
	t.Helper()
	r.ids = map[string]bool{}
	for event := range strings.SplitSeq(strings.ReplaceAll(stream, "\r\n", "\n"), "\n\n") {
		data, ok := strings.CutPrefix(event, "data: ")
		if !ok {
			require.True(t, event == "" || event[0] == ':', "%q", event)
			continue
		}
		if data == "[DONE]" {
			r.done = true
			continue
		}
		var e struct {
			ID      string
			Choices []struct {
				Text  string
				Delta struct {
					Role    string
					Content string
				}
				Finish *string `json:"finish_reason"`
			}
			Usage map[string]int
		}
		require.NoError(t, json.Unmarshal([]byte(data), &e), "%q", data)
		r.ids[e.ID] = true
		for _, c := range e.Choices {
			r.text += c.Delta.Content + c.Text
			if c.Delta.Role != "" {
				r.roles++
			}
			if c.Finish != nil {
				r.reason = *c.Finish
			}
		}
		if e.Usage != nil {
			r.usage = e.Usage
		}
	}
	return r
}

var words = []string{"A ", "\"steel", "yard\"\n", "weighs — ", "ünlike 🦀", " things", "."}

const ask = `{"model":"m","messages":[{"role":"user","content":"what?"}],"stream":true,"max_tokens":50,"stream_options":{"include_usage":true}}`

// TestContinuesWhereverItIsCut: the client sees one stream, whole, of one id, with one beginning and the right counts.
func TestContinuesWhereverItIsCut(t *testing.T) {
	whole := said("first", words, 9, 0)
	begin := strings.Index(whole, `"stop"`) // behind that it is over
	for cut := range len(whole) {
		c := payload.Follow([]byte("/v1/chat/completions"))
		var got strings.Builder
		for at := 0; at < cut; at += 37 { // in pieces that heed nothing
			got.Write(c.Pass([]byte(whole[at:min(at+37, cut)])))
		}
		rest, ok := c.Rest([]byte(ask))
		if !ok {
			require.Greater(t, cut, begin, "%q", whole[:cut])
			continue
		}
		var body struct {
			Messages []struct{ Role, Content string }
			Max      int   `json:"max_tokens"`
			Final    bool  `json:"continue_final_message"`
			Prompt   *bool `json:"add_generation_prompt"`
		}
		require.NoError(t, json.Unmarshal(rest, &body), "%s", rest)
		before := 0
		for sum := ""; len(body.Messages) > 1 && sum != body.Messages[1].Content; before++ {
			require.Less(t, before, len(words), "%q", body.Messages[1].Content)
			sum += words[before]
		}
		require.Equal(t, 50-before, body.Max)
		require.Equal(t, before > 0, body.Final)
		if before > 0 {
			require.Equal(t, "assistant", body.Messages[1].Role)
			require.False(t, *body.Prompt)
		}
		for piece := range strings.SplitAfterSeq(said("second", words[before:], 9, before), "}") {
			got.Write(c.Pass([]byte(piece)))
		}
		require.Empty(t, c.Left())
		r := read(t, got.String())
		require.Equal(t, strings.Join(words, ""), r.text)
		require.Len(t, r.ids, 1, "%v", r.ids)
		require.Equal(t, 1, r.roles)
		require.Equal(t, "stop", r.reason)
		require.True(t, r.done)
		require.Equal(t, map[string]int{"prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16}, r.usage)
	}
}

// TestContinuesText: the prompt is longer by what was said, as it was said.
func TestContinuesText(t *testing.T) {
	c := payload.Follow([]byte("/v1/completions"))
	stream := `data: {"id":"a","choices":[{"index":0,"text":" one\n","finish_reason":null}]}` + "\r\n\r\n"
	require.Equal(t, stream, string(c.Pass([]byte(stream))))
	rest, ok := c.Rest([]byte(`{"prompt":"say \"it\"","max_tokens":3,"min_tokens":1}`))
	require.True(t, ok)
	require.JSONEq(t, `{"prompt":"say \"it\" one\n","max_tokens":2,"min_tokens":0}`, string(rest))
	next := string(c.Pass([]byte(`data: {"id":"b","choices":[{"index":0,"text":"two","finish_reason":null}]}` + "\n\n")))
	require.Equal(t, "two", read(t, next).text)
	rest, ok = c.Rest(rest)
	require.True(t, ok, "the second may break off too")
	require.JSONEq(t, `{"prompt":"say \"it\" one\ntwo","max_tokens":1,"min_tokens":0}`, string(rest))
}

// TestIsNotContinued: what no server takes up in the middle is cut, as it would be without.
func TestIsNotContinued(t *testing.T) {
	event := func(choice string) string { return `data: {"id":"a","choices":[` + choice + "]}\n\n" }
	for name, c := range map[string]struct{ stream, body string }{
		"at its end":       {event(`{"index":0,"delta":{"content":"a"},"finish_reason":"length"}`), ask},
		"done":             {"data: [DONE]\n\n", ask},
		"a tool":           {event(`{"index":0,"delta":{"tool_calls":[{"index":0}]}}`), ask},
		"a thought":        {event(`{"index":0,"delta":{"reasoning_content":"hm"}}`), ask},
		"a second choice":  {event(`{"index":1,"delta":{"content":"a"}}`), ask},
		"two choices":      {event(`{"index":0,"delta":{}},{"index":1,"delta":{}}`), ask},
		"probabilities":    {event(`{"index":0,"delta":{"content":"a"},"logprobs":{"content":[1]}}`), ask},
		"an error":         {"data: {\"error\":{\"message\":\"no\"}}\n\n", ask},
		"no JSON":          {"data: {\"choices\":[\n\n", ask},
		"no text":          {"data: 7\n\n", ask},
		"nothing left":     {event(`{"index":0,"delta":{"content":"a"}}`), `{"messages":[{}],"max_tokens":1}`},
		"several asked":    {event(`{"index":0,"delta":{"content":"a"}}`), `{"messages":[{}],"n":2}`},
		"a grammar":        {event(`{"index":0,"delta":{"content":"a"}}`), `{"messages":[{}],"response_format":{"type":"json_object"}}`},
		"another addition": {event(`{"index":0,"delta":{"content":"a"}}`), `{"messages":[{}],"continue_final_message":true}`},
		"no messages":      {event(`{"index":0,"delta":{"content":"a"}}`), `{"messages":[]}`},
		"no request":       {event(`{"index":0,"delta":{"content":"a"}}`), `[]`},
		"an endless event": {"data: " + strings.Repeat("x", 2<<20), ask},
		"other line ends":  {"data: {}\r\rdata: {}\r\r", ask},
	} {
		t.Run(name, func(t *testing.T) {
			f := payload.Follow([]byte("/v1/chat/completions"))
			require.Equal(t, c.stream, string(f.Pass([]byte(c.stream)))+string(f.Left()), "it goes to the client as it is")
			_, ok := f.Rest([]byte(c.body))
			require.False(t, ok)
		})
	}
	require.Nil(t, payload.Follow([]byte("/v1/embeddings")))
	tokens := payload.Follow([]byte("/v1/completions"))
	tokens.Pass([]byte(`data: {"choices":[{"text":"a"}]}` + "\n\n"))
	_, ok := tokens.Rest([]byte(`{"prompt":[1,2]}`))
	require.False(t, ok, "a prompt of tokens cannot be made longer by text")
}

// TestNoRoleTwice: it is said once, also where the stream has no id.
func TestNoRoleTwice(t *testing.T) {
	c := payload.Follow([]byte("/v1/chat/completions"))
	c.Pass([]byte(`data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"a"}}]}` + "\n\n"))
	_, ok := c.Rest([]byte(ask))
	require.True(t, ok)
	next := string(c.Pass([]byte(`data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"b"}}]}` + "\n\n")))
	require.Zero(t, read(t, next).roles)
	require.Equal(t, "b", read(t, next).text)
}

// FuzzContinuation: whatever comes, in whatever pieces, goes to the client as it came until the stream is taken up.
func FuzzContinuation(f *testing.F) {
	f.Add([]byte(said("a", words, 1, 0)), 5)
	f.Add([]byte("data: {\"choices\":[{\"delta\":{\"content\":\"\\ud83e\"}}]}\n\n: x\n\ndata"), 1)
	f.Fuzz(func(t *testing.T, stream []byte, size int) {
		size = max(1, size&0xff)
		c := payload.Follow([]byte("/v1/chat/completions"))
		var got bytes.Buffer
		for at := 0; at < len(stream); at += size {
			got.Write(c.Pass(stream[at:min(at+size, len(stream))]))
		}
		got.Write(c.Left())
		require.Equal(t, string(stream), got.String())
		if rest, ok := c.Rest([]byte(ask)); ok {
			require.True(t, json.Valid(rest))
			c.Pass(stream)
		}
	})
}
