// What a prompt is to an engine that reads it: a length in tokens, and what it begins with.

package backend

import (
	"bytes"
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

// promptText is what a valid input has for the model to read: the strings under "content" and "text" of messages and their
// parts, one after the other, or the prompt that is a string. Of an input without any it is the JSON. Prompts are long,
// so it looks for quotes only.
func promptText(input json.RawMessage) []byte {
	var text []byte
	found, reads, rest := false, true, []byte(input) // reads: the next string is for the model, if nothing comes before it
	for {
		quote := bytes.IndexByte(rest, '"')
		if quote < 0 {
			break
		}
		reads = reads && len(bytes.Trim(rest[:quote], ": \t\r\n")) == 0
		literal := stringAt(rest[quote:])
		rest = rest[quote+len(literal):]
		if bytes.HasPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte(":")) {
			reads = string(literal) == `"content"` || string(literal) == `"text"`
			continue
		}
		if reads {
			text, found = appendString(text, literal), true
		}
		reads = false
	}
	if !found {
		return input
	}
	return text
}

// stringAt is the string that valid JSON begins with, its quotes included.
func stringAt(text []byte) []byte {
	for end := 1; ; end++ {
		end += bytes.IndexByte(text[end:], '"')
		if escapes := len(text[:end]) - len(bytes.TrimRight(text[:end], `\`)); escapes%2 == 0 {
			return text[:end+1]
		}
	}
}

// appendString appends what a string of JSON stands for.
func appendString(to, literal []byte) []byte {
	if bytes.IndexByte(literal, '\\') < 0 {
		return append(to, literal[1:len(literal)-1]...)
	}
	var text string
	if err := json.Unmarshal(literal, &text); err != nil {
		panic("BUG: a string of valid JSON: " + err.Error())
	}
	return append(to, text...)
}
