package load_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/load"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// asked is the body of a request of real inference work.
type asked struct {
	Messages []struct{ Role, Content string }
	Model    string
	Max      int  `json:"max_tokens"`
	Ignore   bool `json:"ignore_eos"`
	Stream   bool
	Options  struct {
		Usage bool `json:"include_usage"`
	} `json:"stream_options"`
}

// TestPromptsHaveTheTokensAndBlocksOfTheTrace also is of what the last event says, and of when the first came.
func TestPromptsHaveTheTokensAndBlocksOfTheTrace(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	got := map[int]asked{} // by max_tokens
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		var a asked
		assert.NoError(t, json.Unmarshal(body, &a), "%.100s", body)
		mu.Lock()
		got[a.Max] = a
		mu.Unlock()
		_, _ = io.WriteString(w, "data: {\"choices\":[{}],\"usage\":null}\n\n"+
			`data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":5}}}`+"\n\ndata: [DONE]\n\n")
	})
	work := trace.Trace{Requests: []trace.Request{
		{PromptTokens: 1300, AnswerTokens: 1, Prefix: []uint64{7, 8, 9}},
		{PromptTokens: 1100, AnswerTokens: 2, Prefix: []uint64{7, 8, 10}},
		{PromptTokens: 100_000, AnswerTokens: 3},
		{PromptTokens: 600, AnswerTokens: 4},
	}}
	for i := range work.Requests {
		work.Requests[i].At = time.Duration(i) * time.Millisecond
	}
	samples, err := load.Replay(context.Background(), work, load.Options{URL: url, Model: `a "model"`, Tokens: true})
	require.NoError(t, err)
	for i, s := range samples {
		require.Empty(t, s.Failure, "request %d: %v", i, s.Err)
		assert.Equal(t, load.Usage{Prompt: 9, Cached: 5, Answer: 3}, s.Usage)
		assert.Positive(t, s.FirstEvent)
		assert.GreaterOrEqual(t, s.Response, s.FirstEvent)
	}
	text := func(answer int) string {
		require.Len(t, got[answer].Messages, 1)
		return got[answer].Messages[0].Content
	}
	for i, r := range work.Requests {
		a := got[i+1]
		assert.Len(t, text(i+1), 4*r.PromptTokens)
		assert.Equal(t, 4*r.PromptTokens, 4*len(strings.Fields(text(i+1))), "a word is a token")
		assert.True(t, a.Ignore && a.Stream && a.Options.Usage)
		assert.Equal(t, `a "model"`, a.Model)
	}
	const block = 4 * trace.BlockTokens
	assert.Equal(t, text(1)[:2*block], text(2)[:2*block], "blocks of one name are one text")
	assert.NotEqual(t, text(1)[2*block:2*block+100], text(2)[2*block:2*block+100])
	assert.NotEqual(t, text(3)[:100], text(4)[:100], "what has no name is like nothing else")
	assert.NotEqual(t, text(3)[:block], text(3)[block:2*block])
}
