// What a prompt is to an engine that reads it: a length in tokens, and what it begins with.

package backend

import (
	"encoding/json"
	"hash/maphash"

	"github.com/steelyard-proxy/steelyard/bench/engine"
)

const (
	tokenBytes = 4                               // as in English
	blockBytes = engine.BlockTokens * tokenBytes // so many are one block of the engine's memory
)

// prompt is a text as an engine of a Kind reads it.
type prompt struct {
	tokens int
	prefix []uint64 // a number for each full block, equal where its text is
}

// read counts the tokens of a request's input. For an engine of a Kind it counts those of the text, and tells its blocks apart.
func (s *Server) read(input json.RawMessage) prompt {
	if s.options.Engine.Kind == "" {
		return prompt{tokens: PromptTokens(len(input))}
	}
	text := promptText(input)
	p := prompt{tokens: (len(text) + tokenBytes - 1) / tokenBytes, prefix: make([]uint64, len(text)/blockBytes)}
	for i := range p.prefix {
		p.prefix[i] = maphash.Bytes(s.seed, text[i*blockBytes:(i+1)*blockBytes])
	}
	return p
}

// promptText is the text of all messages, one after the other, or the prompt that is a string. Of an input in any other shape it is the JSON.
func promptText(input json.RawMessage) []byte {
	var text string
	if json.Unmarshal(input, &text) == nil {
		return []byte(text)
	}
	var messages []struct {
		Content json.RawMessage `json:"content"`
	}
	if json.Unmarshal(input, &messages) != nil {
		return input
	}
	var all []byte
	for _, m := range messages {
		var parts []struct {
			Text string `json:"text"`
		}
		switch {
		case json.Unmarshal(m.Content, &text) == nil:
			all = append(all, text...)
		case json.Unmarshal(m.Content, &parts) == nil:
			for _, part := range parts {
				all = append(all, part.Text...)
			}
		}
	}
	return all
}
