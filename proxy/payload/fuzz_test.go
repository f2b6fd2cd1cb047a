package payload_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/payload"
)

// FuzzPeek holds the look in passing to encoding/json: a body that is accepted
// there says the same here. Nothing else is asked of other bodies than to be survived.
func FuzzPeek(f *testing.F) {
	for _, body := range []string{
		chat, `{}`, `{"model":"a","model":"b","max_tokens":1,"max_tokens":null}`, `{"max_completion_tokens":1.60e1,"n":2}`,
		`{"\u006dodel":"\ud83d\ude00\/\ud83d","stream":true}`, "{\"model\":\"\xff\xc3\"}", `[{"model":"x"}]`,
		`{"parameters":{"max_new_tokens":3,"best_of":2},"parameters":[],"options":{"num_predict":4,"stream":true}}`,
		`{"prompt":["a\\",[1,[2]],"]\""],"input":null,"text":5,"tools":{}} `, `{"a":[}`, `{"max_tokens":1e400,"n":-0}`,
		`{"sampling_params":{"max_new_tokens":8},"n_predict":-1,"max_output_tokens":true}`, `{"a":}`, `{"a" 1}`, `{,}`,
		`{"max_tokens":1,"parameters":{"max_new_tokens":9,"max_tokens":3},"options":{"num_predict":4,"n":2}}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		cut := slices.Clip(slices.Clone(body)) // reading beyond would panic
		h := payload.Peek(cut, nil)
		require.Equal(t, string(body), string(cut), "a peek changes nothing")
		require.True(t, h.MaxTokens >= 0 && h.MaxTokens <= math.MaxInt32)
		require.True(t, h.PromptBytes >= 0 && h.PromptBytes <= len(body))
		if want, ok := decoded(body); ok {
			require.True(t, h.OK)
			require.Equal(t, string(want.Model), string(h.Model))
			want.Model, h.Model = nil, nil
			require.Equal(t, want, h)
		}
	})
}

// decoded is Peek in terms of encoding/json, for objects without encoded texts.
func decoded(body []byte) (h payload.Hints, ok bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil || members == nil {
		return h, false
	}
	var model string
	if raw := members["model"]; len(raw) <= 256+len(`""`) && json.Unmarshal(raw, &model) == nil {
		h.Model = []byte(model)
	}
	choices := int64(1)
	limit := int64(0)
	for _, name := range []string{"", "parameters", "options", "sampling_params"} {
		object := members
		if name != "" {
			object = nil
			if json.Unmarshal(members[name], &object) != nil {
				continue
			}
		}
		h.Stream = h.Stream || string(object["stream"]) == "true"
		h.Whole = h.Whole || string(object["stream"]) == "false"
		choices = max(choices, positive(object["n"]), positive(object["best_of"]))
		for _, field := range []string{"max_completion_tokens", "max_tokens", "max_output_tokens", "max_new_tokens", "n_predict", "num_predict"} {
			limit = max(limit, positive(object[field]))
		}
	}
	h.MaxTokens = int(min(limit*choices, math.MaxInt32))
	for _, name := range []string{"messages", "prompt", "input", "inputs", "text", "text_input", "system", "instructions", "tools", "suffix", "documents"} {
		if part := members[name]; string(part) != "null" {
			if len(part) > 250 {
				return h, false // may be a picture
			}
			h.PromptBytes += len(part)
		}
	}
	if h.PromptBytes == 0 {
		h.PromptBytes = len(body)
	}
	h.OK = true
	return h, true
}

func positive(raw json.RawMessage) int64 {
	var value float64
	if len(raw) > 32 || json.Unmarshal(raw, &value) != nil || value < 1 || value > math.MaxInt32 || value != math.Trunc(value) {
		return 0
	}
	return int64(value)
}
