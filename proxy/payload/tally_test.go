package payload_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/steelyard-proxy/steelyard/proxy/payload"
)

// tallied passes an answer in pieces of so many bytes.
func tallied(f payload.Framing, answer string, size int) (events int, u payload.Usage) {
	var t payload.Tally
	t.Begin(f)
	for len(answer) > 0 {
		n := min(size, len(answer))
		events += t.Pass([]byte(answer[:n]))
		answer = answer[n:]
	}
	return events, t.Usage()
}

func TestTallyCountsTokens(t *testing.T) {
	const usage = `"usage":{"prompt_tokens":1234,"total_tokens":1240,"completion_tokens":6,"prompt_tokens_details":{"cached_tokens":1024}}`
	for name, test := range map[string]struct {
		framing payload.Framing
		answer  string
		events  int
		usage   payload.Usage
	}{
		"chat": {payload.Events, "data: {\"choices\":[]}\n\ndata:{\"choices\":[{}]}\n\n: still here\n\ndata: {\"choices\":[]," + usage + "}\n\ndata: [DONE]\n\n", 3, payload.Usage{1234, 1024, 6}},
		"CRLF": {payload.Events, "data: {}\r\n\r\ndata: {" + usage + "}\r\n\r\ndata: [DONE]\r\n\r\n", 2, payload.Usage{1234, 1024, 6}},
		"named": {payload.Events, "event: response.created\ndata: {}\n\nevent: response.in_progress\ndata: {}\n\nevent: response.output_text.delta\ndata: {}\n\n" +
			"event: response.completed\ndata: {\"response\":{\"usage\": {\"input_tokens\": 40, \"input_tokens_details\": {\"cached_tokens\": 8}, \"output_tokens\" : 2 }}}\n\n", 2, payload.Usage{40, 8, 2}},
		"each event counts on": {payload.Events, "data: {\"usage\":{\"completion_tokens\":1}}\n\ndata: {\"usage\":{\"completion_tokens\":2}}\n\n", 2, payload.Usage{Completion: 2}},
		"Ollama":               {payload.JSONLines, "{\"response\":\"a\"}\n{\"response\":\"b\"}\n\n{\"done\":true,\"prompt_eval_count\":26,\"eval_count\":298}\n", 3, payload.Usage{26, 0, 298}},
		"one body":             {payload.OneBody, "{\"choices\":[{\"message\":{}}],\n" + usage + "}", 0, payload.Usage{1234, 1024, 6}},
		"text that looks like it": {payload.OneBody, `{"text":"\"prompt_tokens\": 7, prompt_tokens: 8", "other_prompt_tokens": 5, "prompt_tokens_": 6, "prompt_tokens": 1.5, "completion_tokens": null}`,
			0, payload.Usage{}},
		"absurd":    {payload.OneBody, `{"prompt_tokens": 1234567890123, "completion_tokens": -3}`, 0, payload.Usage{}},
		"nothing":   {payload.Events, "\n\n\r\n\ndata:\n\ndata: \r\n\nid: 4\nretry: 3\n", 0, payload.Usage{}},
		"no events": {payload.Events, strings.Repeat("x", 1000), 0, payload.Usage{}},
	} {
		for size := 1; size < len(test.answer)+1; size++ {
			events, u := tallied(test.framing, test.answer, size)
			assert.Equal(t, test.events, events, fmt.Sprint(name, ", pieces of ", size))
			assert.Equal(t, test.usage, u, fmt.Sprint(name, ", pieces of ", size))
		}
	}
}

func TestTallyAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	var tally payload.Tally
	tally.Begin(payload.Events)
	event := []byte("data: {\"choices\":[{\"delta\":{\"content\":\"word\"}}],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":6}}\n\n")
	assert.Zero(t, testing.AllocsPerRun(100, func() { tally.Pass(event) }))
}

func BenchmarkTally(b *testing.B) {
	var tally payload.Tally
	tally.Begin(payload.Events)
	event := []byte("data: {\"id\":\"chatcmpl-123\",\"object\":\"chat.completion.chunk\",\"created\":1694268190,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word\"},\"finish_reason\":null}]}\n\n")
	b.ReportAllocs()
	b.SetBytes(int64(len(event)))
	for b.Loop() {
		tally.Pass(event)
	}
}
