package payload_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/payload"
)

// chat is a short request as clients send it, about 600 bytes long.
const chat = `{"model":"meta-llama/Llama-3.1-8B-Instruct","messages":[{"role":"system","content":"You are a helpful assistant. ` +
	`Answer in one paragraph, and say so when you do not know."},{"role":"user","content":"What is a steelyard, and why does it ` +
	`weigh with arms of unequal length?"},{"role":"assistant","content":"A balance with \"unequal\" arms.\nIts counterweight slides."},` +
	`{"role":"user","content":"And who used it first? Please name a source, too."}],"temperature":0.7,"top_p":0.95,` +
	`"max_tokens":256,"stream":true,"stream_options":{"include_usage":true},"user":"user-1234","seed":42}`

// bodies are what is measured: a short request and prompts of 64 KiB.
func bodies() map[string][]byte {
	long := func(text string) []byte {
		text = strings.Repeat(text, 64<<10/len(text))
		return []byte(`{"model":"m","messages":[{"role":"user","content":"` + text + `"}],"max_tokens":16}`)
	}
	tokens := strings.TrimSuffix(strings.Repeat("12345,", 64<<10/6), ",")
	return map[string][]byte{
		"chat":    []byte(chat),
		"prose":   long(`The quick brown fox jumps over the lazy dog.\n`),
		"turns":   []byte(`{"model":"m","messages":[` + strings.Repeat(`{"role":"user","content":"What is a steelyard, and why has it arms of unequal length?\n"},`, 44) + `1]}`),
		"chats":   []byte(`{"model":"m","messages":[` + strings.Repeat(`{"role":"user","content":"What is a steelyard, and why has it arms of unequal length?\n"},`, 540) + `1]}`),
		"code":    long(`fmt.Println(\"quoted\", \"text\")\n\t`),
		"tokens":  []byte(`{"model":"m","input":[` + tokens + `]}`),
		"escaped": []byte(`{"model":"meta-llama\/Llama-3","prompt":"p"}`),
	}
}

func TestPeekAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	scratch := make([]byte, 0, 64)
	for what, body := range bodies() {
		require.True(t, payload.Peek(body, scratch).OK, what)
		require.Zero(t, testing.AllocsPerRun(100, func() { payload.Peek(body, scratch) }), what)
		var p payload.Prompt
		bytes := 0
		require.Zero(t, testing.AllocsPerRun(100, func() {
			p.Peek(body, scratch)
			p.Pieces(func(piece []byte, _ bool) bool {
				bytes += len(piece)
				return true
			})
		}), what)
	}
}

func BenchmarkPeek(b *testing.B) {
	scratch := make([]byte, 0, 64)
	for what, body := range bodies() {
		b.Run(what, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if h := payload.Peek(body, scratch); !h.OK {
					b.Fatal("not read")
				}
			}
		})
	}
}

// BenchmarkDecode is what the same costs with encoding/json.
func BenchmarkDecode(b *testing.B) {
	for what, body := range bodies() {
		b.Run(what, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				var request struct {
					Model     string `json:"model"`
					MaxTokens int    `json:"max_tokens"`
					Stream    bool   `json:"stream"`
				}
				if err := json.Unmarshal(body, &request); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPeekEnds is what the hints of a long body cost where only its ends are looked at.
func BenchmarkPeekEnds(b *testing.B) {
	scratch := make([]byte, 0, 64)
	for what, body := range bodies() {
		if len(body) < 16<<10 {
			continue
		}
		b.Run(what, func(b *testing.B) {
			var p payload.Prompt
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := p.PeekEnds(body[:1<<10], body[len(body)-(2<<10):], len(body), scratch); !ok {
					b.Fatal("not read")
				}
			}
		})
	}
}
