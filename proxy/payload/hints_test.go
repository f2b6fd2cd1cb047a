package payload_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/payload"
)

// What clients of the various servers send, field for field as their documentation shows it.
func TestWhatServersAreSent(t *testing.T) {
	for name, c := range map[string]struct {
		body      string
		model     string
		maxTokens int
		stream    bool
		prompt    string // what PromptBytes is the length of
	}{
		"OpenAI chat": {
			`{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "max_completion_tokens": 64, "n": 2, "stream": true, "stream_options": {"include_usage": true}}`,
			"gpt-4o-mini", 128, true, `[{"role": "user", "content": "Hi"}]`},
		"OpenAI completions": {
			`{"model":"davinci-002","prompt":["Say","this"],"max_tokens":7,"best_of":3,"n":2,"suffix":"end","temperature":0}`,
			"davinci-002", 21, false, `["Say","this"]"end"`},
		"OpenAI responses": {
			`{"model":"gpt-4.1","instructions":"Be brief.","input":[{"role":"user","content":[{"type":"input_text","text":"Hi"}]}],"max_output_tokens":50,"stream":false}`,
			"gpt-4.1", 50, false, `"Be brief."[{"role":"user","content":[{"type":"input_text","text":"Hi"}]}]`},
		"OpenAI embeddings": {
			`{"input":[1212,318,257,1332],"model":"text-embedding-3-small","encoding_format":"float"}`,
			"text-embedding-3-small", 0, false, `[1212,318,257,1332]`},
		"tools": {
			`{"model":"m","tools":[{"type":"function","function":{"name":"f","parameters":{"max_tokens":9}}}],"messages":[]}`,
			"m", 0, false, `[{"type":"function","function":{"name":"f","parameters":{"max_tokens":9}}}][]`},
		"Anthropic messages": {
			`{"model":"claude","max_tokens":1024,"system":"S","messages":[{"role":"user","content":"Hi"}],"stream":true}`,
			"claude", 1024, true, `"S"[{"role":"user","content":"Hi"}]`},
		"vLLM": {
			`{"model":"Qwen/Qwen2.5-7B","messages":[{"role":"user","content":"a \"quoted\" {brace"}],"max_tokens":16,"max_completion_tokens":null,"top_k":50,"chat_template_kwargs":{"enable_thinking":false}}`,
			"Qwen/Qwen2.5-7B", 16, false, `[{"role":"user","content":"a \"quoted\" {brace"}]`},
		"SGLang generate": {
			`{"text":"The capital","sampling_params":{"temperature":0,"max_new_tokens":32,"n":4},"stream":true}`,
			"", 128, true, `"The capital"`},
		"TGI generate": {
			`{"inputs":"What is it?","parameters":{"max_new_tokens":20,"best_of":2,"details":true}}`,
			"", 40, false, `"What is it?"`},
		"llama.cpp completion": {
			`{"prompt":"Building a website","n_predict":128,"stream":true,"cache_prompt":true}`,
			"", 128, true, `"Building a website"`},
		"llama.cpp without end": {
			`{"prompt":"p","n_predict":-1}`, "", 0, false, `"p"`},
		"Ollama generate": {
			`{"model":"llama3.2:1b","system":"S","prompt":"Why?","options":{"num_predict":42,"num_ctx":4096},"keep_alive":-1}`,
			"llama3.2:1b", 42, false, `"S""Why?"`},
		"Ollama chat": {
			`{"model":"llama3.2","messages":[{"role":"user","content":"Why?"}],"stream":false,"options":{"num_predict":-2}}`,
			"llama3.2", 0, false, `[{"role":"user","content":"Why?"}]`},
		"Ollama unload": {
			`{"model":"llama3.2","keep_alive":0}`, "llama3.2", 0, false, `{"model":"llama3.2","keep_alive":0}`},
		"Triton generate, vLLM back end": {
			`{"text_input":"What is Triton?","parameters":{"stream":true,"temperature":0,"max_tokens":20}}`,
			"", 20, true, `"What is Triton?"`},
		"Triton generate, TensorRT-LLM": {
			`{"text_input":"What is ML?","max_tokens":20,"bad_words":"","stop_words":""}`,
			"", 20, false, `"What is ML?"`},
		"KServe infer": {
			`{"id":"42","inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[1.5,2e3]}],"outputs":[{"name":"y"}]}`,
			"", 0, false, `[{"name":"x","shape":[2],"datatype":"FP32","data":[1.5,2e3]}]`},
		"rerank": {
			`{"model":"bge","query":"q","documents":["a","b"]}`, "bge", 0, false, `["a","b"]`},
		"nothing": {`{}`, "", 0, false, `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			h := payload.Peek([]byte(c.body), nil)
			require.True(t, h.OK)
			require.Equal(t, c.model, string(h.Model))
			require.Equal(t, c.maxTokens, h.MaxTokens)
			require.Equal(t, c.stream, h.Stream)
			require.Equal(t, len(c.prompt), h.PromptBytes)
		})
	}
}

func TestNumbers(t *testing.T) {
	for number, want := range map[string]int{
		"16": 16, "16.0": 16, "1.6e1": 16, "160E-1": 16, "1e+2": 100, "2147483647": math.MaxInt32,
		"0": 0, "-16": 0, "16.5": 0, "2147483648": 0, "1e99": 0, "1e999": 0, "99999999999999999999": 0, "0.1": 0,
		`"16"`: 0, "null": 0, "true": 0, "[16]": 0, `{"max_tokens":16}`: 0, "Infinity": 0, "NaN": 0, "0x10": 0,
		"16." + strings.Repeat("0", 40): 0,
	} {
		h := payload.Peek([]byte(`{"max_tokens": `+number+` ,"model":"m"}`), nil)
		require.Equal(t, want, h.MaxTokens, number)
		require.True(t, h.OK, number)
		require.Equal(t, "m", string(h.Model), number)
	}
}

func TestLimits(t *testing.T) {
	for body, want := range map[string]int{
		`{"max_tokens":5,"max_completion_tokens":7}`:                                            7,
		`{"max_completion_tokens":-7,"max_tokens":5}`:                                           5,
		`{"parameters":{"max_new_tokens":3},"max_tokens":5}`:                                    5,
		`{"max_tokens":9,"max_completion_tokens":7}`:                                            9,
		`{"inputs":"Hi","parameters":{"max_new_tokens":4000},"max_completion_tokens":1}`:        4000,
		`{"max_tokens":1,"inputs":"Hi","parameters":{"max_new_tokens":4000,"max_tokens":2}}`:    4000,
		`{"prompt":"Hi","max_tokens":1,"options":{"num_predict":4000}}`:                         4000,
		`{"prompt":"Hi","max_tokens":1,"options":{"num_predict":4000,"n":2}}`:                   8000,
		`{"text":"Hi","sampling_params":{"max_new_tokens":4000},"options":{"num_predict":1}}`:   4000,
		`{"prompt":"Hi","n_predict":4000,"max_tokens":1,"max_output_tokens":2}`:                 4000,
		`{"parameters":{"max_new_tokens":3},"parameters":{}}`:                                   0,
		`{"parameters":{"max_new_tokens":3},"parameters":null}`:                                 0,
		`{"parameters":"max_new_tokens","max_new_tokens":4}`:                                    4,
		`{"max_tokens":2147483647,"n":2147483647}`:                                              math.MaxInt32,
		`{"max_tokens":5,"n":0}`:                                                                5,
		`{"n":3}`:                                                                               0,
		`{"Max_Tokens":5,"MAX_TOKENS":6}`:                                                       0,
		`{"max_tokens":5,"max_tokens":6}`:                                                       6,
		`{"max_tokens":5,"max_tokens":null}`:                                                    0,
		`{"\u006dax\u005ftokens":5}`:                                                            5,
		`{"x":{"max_tokens":5},"y":[{"max_tokens":6}]}`:                                         0,
		`{"` + strings.Repeat(`\u006d`, 100) + `":1,"max_tokens":8}`:                            8,
		"\n{\t\"max_tokens\"\r\n:\t9 }\n":                                                       9,
		`{"options":{"parameters":{"max_tokens":1},"num_predict":2,"x":[[{"num_predict":4}]]}}`: 2,
	} {
		h := payload.Peek([]byte(body), nil)
		require.True(t, h.OK, body)
		require.Equal(t, want, h.MaxTokens, body)
	}
}

func TestModelNames(t *testing.T) {
	for raw, want := range map[string]string{
		`meta-llama\/Llama-3`: "meta-llama/Llama-3", `\u0061\u00e4\n\"\\`: "aä\n\"\\", `\ud83d\ude00`: "😀",
		`\ud83dx`: "\uFFFDx", `\ude00`: "\uFFFD", `\ud83d\u0061`: "\uFFFDa", "a\xff": "a\uFFFD", "modèle": "modèle",
	} {
		scratch := make([]byte, 0, 64)
		body := `{"model":"` + raw + `"}`
		h := payload.Peek([]byte(body), scratch)
		require.True(t, h.OK, raw)
		require.Equal(t, want, string(h.Model), raw)
		if want != raw {
			require.Same(t, &scratch[:1][0], &h.Model[0], "written out where there was room")
		}
		require.Equal(t, want, string(payload.Peek([]byte(body), nil).Model), raw)
	}
}

// A name that stands in the body as it is stays there.
func TestModelPointsIntoTheBody(t *testing.T) {
	body := []byte(`{"model":"first","model":"second"}`)
	h := payload.Peek(body, nil)
	require.Equal(t, "second", string(h.Model))
	require.Same(t, &body[26], &h.Model[0])
	require.Empty(t, payload.Peek([]byte(`{"model":"first","model":2}`), nil).Model)
	longest := strings.Repeat("m", 256)
	require.Equal(t, longest, string(payload.Peek([]byte(`{"model":"`+longest+`"}`), nil).Model))
	require.Empty(t, payload.Peek([]byte(`{"model":"m","model":"m`+longest+`"}`), nil).Model)
}

// Of what is no JSON, or not all of it, there is what was said before the fault.
func TestBrokenBodies(t *testing.T) {
	const begin = `{"model":"m","stream":true,"prompt":"p","max_tokens":`
	for _, body := range []string{
		begin, begin + `1`, begin + `16`, begin + `}`, begin + `,}`, begin + `"16`, begin + `[`, begin + `{"a":[`, begin + `?`,
		`{"model":"m","stream":true,}`, `{"model":"m","stream":true,,"a":1}`, `{"model":"m","stream":true "a":1}`,
		`{"model":"m","stream":true}x`, `{"model":"m","stream":true}` + "\x00", `{"model":"m","stream":true,"a"`,
		`{"model":"m","stream":true,"a":"\"`, `{"model":"m","stream":true,a:1}`, `{"model":"m","stream":true,"options":{"n":`,
		`{"model":"m","stream":true,"options":{"n":1,"max_tokens":4`,
	} {
		h := payload.Peek([]byte(body), nil)
		require.False(t, h.OK, body)
		require.Equal(t, "m", string(h.Model), body)
		require.True(t, h.Stream, body)
		require.Zero(t, h.MaxTokens, body)
		require.Equal(t, len(body), h.PromptBytes, body)
	}
	for _, body := range []string{"", " ", "x", "[]", `"model"`, "{", "null", "--boundary\r\nContent-Disposition: form-data", "\ufeff{}"} {
		require.Equal(t, payload.Hints{PromptBytes: len(body)}, payload.Peek([]byte(body), nil), body)
	}
}

// What a picture costs cannot be seen from its length.
func TestPicturesDoNotCount(t *testing.T) {
	picture := strings.Repeat("iVBORw0KGgo+/9j4", 200)
	for what, c := range map[string]struct {
		text     string
		withheld bool
	}{
		"data URL":            {"data:image/png;base64," + picture, true},
		"data URL, escaped":   {`data:image\/png;base64,` + strings.ReplaceAll(picture, "/", `\/`), true},
		"bare":                {picture, true},
		"short":               {picture[:100], false},
		"language":            {strings.Repeat("What is in this picture? ", 40), false},
		"one letter":          {strings.Repeat("x", 4000), false},
		"data URL, text":      {"data:text/plain," + picture, false},
		"data URL, no body":   {"data:" + strings.Repeat("x", 300), false},
		"language about data": {"data: " + strings.Repeat("1,2;", 100), false},
	} {
		prompt := `[{"role":"user","content":[{"type":"image_url","image_url":{"url":"` + c.text + `"}},{"type":"text","text":"Hi"}]}]`
		want := len(prompt)
		if c.withheld {
			want -= len(c.text)
		}
		require.Equal(t, want, payload.Peek([]byte(`{"messages":`+prompt+`}`), nil).PromptBytes, what)
	}
}
