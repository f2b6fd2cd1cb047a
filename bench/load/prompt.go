// Prompts of real inference work: of the right length, and alike where the trace says so.

package load

import (
	"encoding/json"
	"strconv"

	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// A token is written as tokenBytes of plain text, so a block is as many bytes for every request.
const (
	tokenBytes = 4
	blockBytes = trace.BlockTokens * tokenBytes
)

// prompts writes the bodies of real inference work. A block's text is made of its name alone: prompts with the same
// blocks begin with the same bytes. What has no name is like nothing else.
type prompts struct {
	after []byte // the body behind the prompt, up to the length of the answer
	body  []byte // reused
}

func newPrompts(model string) *prompts {
	after := `"}]`
	if model != "" {
		after += `,"model":` + quoted(model)
	}
	return &prompts{after: []byte(after + `,"stream":true,"stream_options":{"include_usage":true},"ignore_eos":true,"max_tokens":`)}
}

// next is the body of a request by its number. It holds until the next call.
func (p *prompts) next(r *trace.Request, number int64) []byte {
	out := append(p.body[:0], `{"messages":[{"role":"user","content":"`...)
	for block, left := 0, r.PromptTokens*tokenBytes; left > 0; block++ {
		name := ^(uint64(number)<<20 | uint64(block)) // of its own
		if block < len(r.Prefix) {
			name = r.Prefix[block]
		}
		n := min(left, blockBytes)
		out = appendText(out, name, n)
		left -= n
	}
	out = append(out, p.after...)
	out = strconv.AppendInt(out, int64(r.AnswerTokens), 10)
	p.body = append(out, '}')
	return p.body
}

// letters are those of words, some of them twice.
const letters = "abcdefghijklmnopqrstuvwxyzaeioun"

// appendText appends the first bytes of a block: words of three letters, each a token with the blank behind it.
func appendText(out []byte, name uint64, n int) []byte {
	for at := uint64(0); n > 0; at++ {
		word := scramble(name + at*0x9e3779b97f4a7c15)
		for range min(4, n/tokenBytes) {
			out = append(out, letters[word&31], letters[word>>5&31], letters[word>>10&31], ' ')
			word >>= 15
			n -= tokenBytes
		}
	}
	return out
}

// scramble is the finalizer of SplitMix64 (Steele, Lea and Flood 2014).
func scramble(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic("BUG: encode " + s + ": " + err.Error()) // strings always have a JSON form
	}
	return string(text)
}
