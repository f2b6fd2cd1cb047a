package backend

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/engine"
)

// an engine whose iterations take a tenth of a second with one request, and with 512 tokens to read half a second longer.
var batching = Options{Engine: engine.Options{Kind: "l4", Batch: engine.Batch{
	Overhead: 0.1, Base: 1e-9, Sequence: 1e-12, Token: 1e-3, Context: 1e-12, Attention: 1e-12, Memory: 5000, Budget: 512,
}}}

// question is the body of a request for a stream of so many tokens.
func question(text string, tokens int) string {
	return fmt.Sprintf(`{"messages":[{"role":"user","content":%q}],"max_tokens":%d,"stream":true,"stream_options":{"include_usage":true}}`, text, tokens)
}

// lastUsage is what the last event of a stream but [DONE] says.
func lastUsage(t *testing.T, answer string) (u usage) {
	t.Helper()
	events := strings.Split(strings.TrimSuffix(answer, "\n\ndata: [DONE]\n\n"), "\n\n")
	var last struct{ Usage usage }
	require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(events[len(events)-1], "data: ")), &last))
	return last.Usage
}

// TestAnEngineThatBatchesRemembersPrompts: 1,500 tokens are two full blocks and a rest; read in parts of 512, 512 and 476 at
// 1 ms each, then two more tokens are written.
func TestAnEngineThatBatchesRemembersPrompts(t *testing.T) {
	inBubble(t, batching, func(t *testing.T, s *Server, client *http.Client) {
		text := strings.Repeat("steelyard weighs", 1500*tokenBytes/16)
		start := time.Now()
		status, answer := askWhole(t, client, chatURL, question(text, 3))
		require.Equal(t, http.StatusOK, status)
		require.InDelta(t, 1.5+5*0.1+0.002, time.Since(start).Seconds(), 0.01)
		require.Equal(t, usage{PromptTokens: 1500, CompletionTokens: 3, TotalTokens: 1503, Details: &promptDetails{}}, lastUsage(t, answer))

		_, answer = askWhole(t, client, chatURL, question(text+strings.Repeat("further ", 100), 1))
		require.Equal(t, &promptDetails{CachedTokens: 1024}, lastUsage(t, answer).Details)
		_, answer = askWhole(t, client, chatURL, question("But "+text, 1))
		require.Zero(t, lastUsage(t, answer).Details.CachedTokens, "it begins otherwise")

		// The same text in parts of a message, not as a stream.
		parts := fmt.Sprintf(`{"messages":[{"role":"system","content":%q},{"role":"user","content":[{"type":"text","text":%q}]}],"max_tokens":2}`, text[:100], text[100:])
		_, answer = askWhole(t, client, chatURL, parts)
		require.Contains(t, answer, `"prompt_tokens_details":{"cached_tokens":1024}`)
		_, answer = askWhole(t, client, "http://server/v1/completions", fmt.Sprintf(`{"prompt":%q,"max_tokens":2}`, text))
		require.Contains(t, answer, `"prompt_tokens_details":{"cached_tokens":1024}`)
	})
}

// TestServedIsSimulated: requests that come through sockets end when the engine alone says that they do.
func TestServedIsSimulated(t *testing.T) {
	const requests = 60
	o := Options{Engine: engine.Options{Kind: "a10", Batch: engine.Batch{Memory: 6000, Budget: 512}}}
	chance := rand.New(rand.NewPCG(3, 3))
	jobs, at, now := make([]engine.Job, requests), make([]time.Duration, requests), time.Duration(0)
	for i := range jobs {
		now += time.Duration(chance.ExpFloat64() * float64(400*time.Millisecond))
		at[i] = now
		jobs[i] = engine.Job{PromptTokens: 1 + chance.IntN(2000), Tokens: 1 + chance.IntN(150)}
		for range jobs[i].PromptTokens / engine.BlockTokens {
			jobs[i].Prefix = append(jobs[i].Prefix, uint64(chance.IntN(2)))
		}
	}
	want, thrown := alone(o.Engine, jobs, at)
	require.Positive(t, thrown, "its memory was full at times, or this shows little")

	got := make([]time.Duration, requests)
	inBubble(t, o, func(t *testing.T, s *Server, client *http.Client) {
		var all sync.WaitGroup
		start := time.Now()
		for i, j := range jobs {
			all.Go(func() {
				<-time.After(at[i])
				askWhole(t, client, chatURL, question(text(j), j.Tokens))
				got[i] = time.Since(start) - at[i]
			})
		}
		all.Wait()
	})
	for i := range jobs {
		require.InDelta(t, want[i].Seconds(), got[i].Seconds(), 1e-3, "request %d", i)
	}
}

// text is a prompt with the job's tokens and prefix.
func text(j engine.Job) string {
	var b strings.Builder
	for _, block := range j.Prefix {
		b.WriteString(strings.Repeat(fmt.Sprintf("%04d", block), engine.BlockTokens))
	}
	for b.Len() < j.PromptTokens*tokenBytes {
		b.WriteString("rest")
	}
	return b.String()
}

// alone is how long each job takes an engine that has no server around it, and how many it threw back.
func alone(o engine.Options, jobs []engine.Job, at []time.Duration) ([]time.Duration, int64) {
	e, took := engine.New(o), make([]time.Duration, len(jobs))
	for next := 0; next < len(jobs) || e.State().Load() > 0; {
		if next < len(jobs) && at[next].Seconds() < e.Due() {
			e.Enter(at[next].Seconds(), int32(next), jobs[next])
			next++
			continue
		}
		now := e.Due()
		for _, event := range e.Next() {
			if event.What == engine.Done {
				took[event.ID] = time.Duration(now*float64(time.Second)) - at[event.ID]
			}
		}
	}
	return took, e.State().ThrownBack
}

func TestPromptTextIsWhatTheModelReads(t *testing.T) {
	for input, want := range map[string]string{
		`"a prompt"`:          "a prompt",
		` "a \"prompt\\" `:    `a "prompt\`,
		`"\u00e9\n"`:          "é\n",
		`""`:                  "",
		`["one", "two"]`:      `["one", "two"]`,
		`[1, 2]`:              `[1, 2]`,
		`{"content" : "odd"}`: "odd",
		`[{"role":"system","content":"Be brief. "},{"content" : "Why?","role":"user","name":"content"}]`:                                "Be brief. Why?",
		`[{"role":"user","content":[{"type":"text","text":"See: "},{"type":"image_url","image_url":{"url":"data:"}},{"text":"this"}]}]`: "See: this",
		`[{"role":"user","content":"say \"content\":\"x\" "},{"content":null},{"content":[],"role":"user"}]`:                            `say "content":"x" `,
	} {
		require.True(t, json.Valid([]byte(input)), input)
		require.Equal(t, want, string(promptText(json.RawMessage(input))), input)
	}
}

func FuzzPromptText(f *testing.F) {
	f.Add(`[{"role":"user","content":"a\\"}]`)
	f.Fuzz(func(t *testing.T, input string) {
		if json.Valid([]byte(input)) {
			promptText(json.RawMessage(input))
		}
	})
}

func TestAPromptWithoutRoomIsRefused(t *testing.T) {
	inBubble(t, batching, func(t *testing.T, s *Server, client *http.Client) {
		status, answer := askWhole(t, client, chatURL, question(strings.Repeat("word", 5000), 3))
		require.Equal(t, http.StatusBadRequest, status)
		require.Contains(t, answer, "maximum context length is 5000 tokens. However, you requested 5003 tokens (5000 in the messages, 3 in the completion)")
		status, _ = askWhole(t, client, chatURL, `{"messages":{"of no known shape":1},"max_tokens":3}`)
		require.Equal(t, http.StatusOK, status)
	})
}

// TestAFasterEngineIsFasterInAll: what a bench needs to have an hour in minutes.
func TestAFasterEngineIsFasterInAll(t *testing.T) {
	o := batching
	o.Speed = 10
	inBubble(t, o, func(t *testing.T, s *Server, client *http.Client) {
		start := time.Now()
		askWhole(t, client, chatURL, question(strings.Repeat("word", 512), 3))
		require.InDelta(t, (0.512+0.3)/10, time.Since(start).Seconds(), 0.001)
	})
}

func TestSignalsAreThoseOfVLLM(t *testing.T) {
	page := func(t *testing.T, client *http.Client) string {
		t.Helper()
		response, err := client.Get("http://server/metrics")
		require.NoError(t, err)
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return string(text)
	}
	inBubble(t, batching, func(t *testing.T, s *Server, client *http.Client) {
		askWhole(t, client, chatURL, question(strings.Repeat("word", 1024), 3))
		ctx, leave := context.WithCancel(t.Context())
		response, err := ask(ctx, client, chatURL, question(strings.Repeat("word", 1400), 30))
		require.NoError(t, err)
		time.Sleep(600 * time.Millisecond) // in fake time
		for _, line := range []string{
			`vllm:num_requests_running{engine="0",model_name="steelyard-demo"} 1`,
			`vllm:num_requests_waiting{engine="0",model_name="steelyard-demo"} 0`,
			`vllm:kv_cache_usage_perc{engine="0",model_name="steelyard-demo"} 0.2804`,
			`vllm:request_success_total{engine="0",model_name="steelyard-demo"} 1`,
			`vllm:prompt_tokens_total{engine="0",model_name="steelyard-demo"} 2424`,
			`vllm:generation_tokens_total{engine="0",model_name="steelyard-demo"} 5`,
			`vllm:prefix_cache_queries_total{engine="0",model_name="steelyard-demo"} 2424`,
			`vllm:prefix_cache_hits_total{engine="0",model_name="steelyard-demo"} 1024`,
			`vllm:cache_config_info{block_size="16",enable_prefix_caching="True",engine="0",num_gpu_blocks="312"} 1`,
			`process_start_time_seconds 946684800.000`,
		} {
			require.Contains(t, page(t, client), "\n"+line+"\n")
		}
		leave()
		response.Body.Close()
	})
	inBubble(t, Options{}, func(t *testing.T, s *Server, client *http.Client) {
		askWhole(t, client, chatURL, question("hello", 3))
		text := page(t, client)
		require.Contains(t, text, `vllm:request_success_total{engine="0",model_name="steelyard-demo"} 1`)
		require.NotContains(t, text, "cache", "it has none")
	})
}

// TestAServerThatComesBackRemembersNothing.
func TestAServerThatComesBackRemembersNothing(t *testing.T) {
	o := batching
	o.Engine.Batch.Overhead = 1e-3
	o.Engine.Batch.Token = 1e-6
	s, _ := onLoopback(t, o)
	body := question(strings.Repeat("word", 1024), 1)
	_, answer := askWhole(t, http.DefaultClient, s.URL()+"/v1/chat/completions", body)
	require.Zero(t, lastUsage(t, answer).Details.CachedTokens)
	_, answer = askWhole(t, http.DefaultClient, s.URL()+"/v1/chat/completions", body)
	require.Equal(t, 1023, lastUsage(t, answer).Details.CachedTokens)
	before := s.clock.signals().since
	require.NoError(t, s.SetFault(Down, time.Millisecond))
	eventually(t, "it is back", func() bool { return s.clock.signals().since.After(before) })
	http.DefaultClient.CloseIdleConnections()
	_, answer = askWhole(t, http.DefaultClient, s.URL()+"/v1/chat/completions", body)
	require.Zero(t, lastUsage(t, answer).Details.CachedTokens)
	require.EqualValues(t, 1, s.clock.signals().ended)
}
