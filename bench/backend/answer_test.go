package backend

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// chunks decodes the events of a stream and checks that it ends as it must.
func chunks(t *testing.T, stream string) []map[string]any {
	t.Helper()
	events := strings.Split(strings.TrimSuffix(stream, "\n\n"), "\n\n")
	require.Equal(t, "data: [DONE]", events[len(events)-1])
	var decoded []map[string]any
	for _, event := range events[:len(events)-1] {
		data, ok := strings.CutPrefix(event, "data: ")
		require.True(t, ok, event)
		var chunk map[string]any
		require.NoError(t, json.Unmarshal([]byte(data), &chunk), data)
		decoded = append(decoded, chunk)
	}
	return decoded
}

func TestWholeAnswers(t *testing.T) {
	inBubble(t, Options{Name: "small"}, func(t *testing.T, _ *Server, client *http.Client) {
		status, body := askWhole(t, client, chatURL, `{"model":"steelyard-demo","messages":[{"role":"user","content":"hi"}],"max_tokens":4}`)
		require.Equal(t, 200, status)
		var got map[string]any
		require.NoError(t, json.Unmarshal([]byte(body), &got))
		delete(got, "created")
		require.Equal(t, map[string]any{
			"id": "chatcmpl-small-1", "object": "chat.completion", "model": "steelyard-demo", "system_fingerprint": "small",
			"choices": []any{map[string]any{"index": 0.0, "logprobs": nil, "finish_reason": "length",
				"message": map[string]any{"role": "assistant", "content": "This is small, a ", "refusal": nil}}},
			"usage": map[string]any{"prompt_tokens": 9.0, "completion_tokens": 4.0, "total_tokens": 13.0},
		}, got)

		_, body = askWhole(t, client, "http://server/v1/completions", `{"prompt":"hi"}`)
		require.NoError(t, json.Unmarshal([]byte(body), &got))
		require.Equal(t, "text_completion", got["object"])
		choice := got["choices"].([]any)[0].(map[string]any)
		require.Equal(t, "stop", choice["finish_reason"])
		require.Len(t, strings.Fields(choice["text"].(string)), 32, "one unit is 32 tokens")
	})
}

func TestStreamedAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		path, input string
		text        func(choice map[string]any) any
	}{
		"chat": {"/v1/chat/completions", `"messages":[]`, func(choice map[string]any) any {
			return choice["delta"].(map[string]any)["content"]
		}},
		"completion": {"/v1/completions", `"prompt":["hi"]`, func(choice map[string]any) any { return choice["text"] }},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{Name: "small"}, func(t *testing.T, _ *Server, client *http.Client) {
				_, body := askWhole(t, client, "http://server"+c.path, `{`+c.input+`,"stream":true,"max_tokens":3}`)
				got := chunks(t, body)
				require.Len(t, got, 4)
				for k, word := range []string{"This ", "is ", "small, "} {
					choice := got[k]["choices"].([]any)[0].(map[string]any)
					require.Equal(t, word, c.text(choice))
					require.Nil(t, choice["finish_reason"])
					require.NotContains(t, got[k], "usage")
					require.Equal(t, got[0]["id"], got[k]["id"])
				}
				require.Equal(t, "length", got[3]["choices"].([]any)[0].(map[string]any)["finish_reason"])
			})
		})
	}
}

func TestStreamEndsWithUsageWhereAsked(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, _ *Server, client *http.Client) {
		_, body := askWhole(t, client, chatURL, `{"messages":[],"stream":true,"max_tokens":2,"stream_options":{"include_usage":true}}`)
		got := chunks(t, body)
		require.Len(t, got, 4)
		for _, chunk := range got[:3] {
			usage, there := chunk["usage"]
			require.True(t, there)
			require.Nil(t, usage)
		}
		require.Equal(t, []any{}, got[3]["choices"])
		require.Equal(t, map[string]any{"prompt_tokens": 1.0, "completion_tokens": 2.0, "total_tokens": 3.0}, got[3]["usage"])
	})
}

func TestBadRequestsAreRefused(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, s *Server, client *http.Client) {
		for body, want := range map[string]string{
			`{`:                                  `"message":"body is not a JSON request: unexpected end of JSON input"`,
			`{"model":"steelyard-demo"}`:         `"message":"messages is required","param":"messages"`,
			`{"messages":[],"max_tokens":0}`:     `max_tokens 0: must lie between 1 and 131072`,
			`{"messages":[],"max_tokens":1e3}`:   `body is not a JSON request`,
			`{"messages":[],"max_tokens":9e999}`: `body is not a JSON request`,
		} {
			status, answer := askWhole(t, client, chatURL, body)
			require.Equal(t, 400, status, body)
			require.Contains(t, answer, want)
			require.Contains(t, answer, `"type":"invalid_request_error"`)
		}
		status, answer := askWhole(t, client, chatURL, `{"messages":[],"model":"gpt"}`)
		require.Equal(t, 404, status)
		require.Contains(t, answer, `"code":"model_not_found"`)
		require.Contains(t, answer, `The model \"gpt\" does not exist`)

		for _, work := range []string{"0", "-1", "NaN", "+Inf", "much"} {
			r, err := http.NewRequest("POST", chatURL, strings.NewReader(`{"messages":[]}`))
			require.NoError(t, err)
			r.Header.Set(WorkHeader, work)
			response, err := client.Do(r)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Equal(t, 400, response.StatusCode, work)
		}
		require.Equal(t, s.Counts().Requests, s.Counts().Failed)
	})
}

func TestModels(t *testing.T) {
	s, _ := onLoopback(t, Options{Model: "Qwen/Qwen2.5-7B"})
	for path, want := range map[string]int{
		"/v1/models":                    200,
		"/v1/models/Qwen%2FQwen2.5-7B":  200,
		"/v1/models/Qwen/Qwen2.5-7B":    200,
		"/v1/models/Qwen%2FQwen2.5-72B": 404,
		"/health":                       200,
		"/stats":                        200,
		"/v2/models":                    404,
	} {
		response, err := http.Get(s.URL() + path)
		require.NoError(t, err)
		if want == 200 && strings.HasPrefix(path, "/v1/models/") {
			var m model
			require.NoError(t, json.NewDecoder(response.Body).Decode(&m))
			require.Equal(t, "Qwen/Qwen2.5-7B", m.ID)
		}
		require.NoError(t, response.Body.Close())
		require.Equal(t, want, response.StatusCode, path)
	}
}
