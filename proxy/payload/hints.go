// What a request's body says of the work it asks for.

package payload

import "math"

// Hints is what a body says of the work it asks for.
type Hints struct {
	// Model is the name of the model, empty when there is none. It points into
	// the body, but a name with escapes, or with bytes that are not UTF-8 (each
	// becomes U+FFFD), is written into the scratch that Peek was given. A name
	// longer than 256 bytes in the body counts as none: names are kept, and
	// clients may send anything.
	Model []byte
	// MaxTokens is the most tokens that may be generated, in all choices (n,
	// best_of) together; 0 when the body does not say, or says something absurd
	// (not a whole number from 1 to 2³¹−1). A larger product is 2³¹−1. The largest
	// of several limits counts, wherever they stand.
	MaxTokens int
	// Stream is whether the body asks for a stream. It is false when the body does
	// not say, even for Ollama's native interface, which streams by default.
	Stream bool
	// Whole is whether the body asks for an answer that is no stream. It is false when the body
	// does not say.
	Whole bool
	// PromptBytes is the length of what the model must read: the values of
	// messages, prompt, input, tools and the like as they are in the body, without
	// pictures and sound (see encoded), whose length says nothing of their tokens.
	// It is the length of the body if that has none of those, or is broken.
	PromptBytes int
	// OK is whether the body is a JSON object, as far as Peek looked. If not, the
	// other fields hold what the body said before the fault.
	OK bool
}

const longestModel = 256 // bytes

// Peek reads the hints in a body, whole or cut off. If a name occurs more than
// once the last value counts. Scratch is room for a model's name that needs to be
// unescaped; it is overwritten, and new memory is allocated if it is too small.
func Peek(body, scratch []byte) Hints { return look(body, scratch, nil) }

// look is Peek. It notes where the prompt is, where somebody wants to know.
func look(body, scratch []byte, prompt *Prompt) Hints {
	p := peek{scanner: scanner{body: body}, where: prompt}
	ok := p.request()
	h := Hints{
		Model:       plain(p.model, scratch),
		MaxTokens:   p.tokens(),
		Stream:      p.says(streaming),
		Whole:       p.says(notStreaming),
		PromptBytes: p.promptBytes(),
		OK:          ok,
	}
	if !ok || h.PromptBytes == 0 {
		h.PromptBytes = len(body)
	}
	return h
}

// peek is a body being read, and the hints so far.
type peek struct {
	scanner
	model    []byte // as it is in the body
	settings [objects]settings
	prompt   [prompts]int // the length of each part of the prompt
	where    *Prompt      // nil: nobody wants to know where they are
	reads    kind         // the member of the outermost object that was read last
}

// settings are the values of one object, by field; 0: none.
type settings [fields]int32

// request reads the outermost object, up to the end of the body.
func (p *peek) request() bool {
	if p.space() != '{' {
		return false
	}
	p.at++
	return p.members()
}

// members reads the outermost object from the name of a member on, up to the end of the body.
func (p *peek) members() bool {
	for first := true; ; first = false {
		name, more := p.member(first)
		if !more {
			break
		}
		k := known(name)
		switch p.reads = k.kind; k.kind {
		case aModel:
			p.model, _ = p.stringOrSkip()
			if len(p.model) > longestModel {
				p.model = nil
			}
		case aField:
			p.settings[outermost][k.index] = p.setting(field(k.index))
		case anObject:
			p.object(object(k.index))
		case aPrompt:
			p.prompt[k.index] = p.part(k.index)
		case aTag:
			p.tag(Tag(k.index))
		case aMetadata:
			p.metadata()
		default:
			p.skip()
		}
	}
	return !p.broken && p.space() == 0 && p.at == len(p.body)
}

// object reads one of the objects that hold settings. It replaces an earlier one
// of the same name.
func (p *peek) object(o object) {
	p.settings[o] = settings{}
	if p.space() != '{' {
		p.skip()
		return
	}
	p.at++
	for first := true; ; first = false {
		name, more := p.member(first)
		if !more {
			return
		}
		switch k := known(name); k.kind {
		case aField:
			p.settings[o][k.index] = p.setting(field(k.index))
		case aTag:
			p.tag(Tag(k.index))
		default:
			p.skip()
		}
	}
}

// metadata reads what the client says of its request for its own use, of which only the user concerns us.
func (p *peek) metadata() {
	if p.space() != '{' {
		p.skip()
		return
	}
	p.at++
	for first := true; ; first = false {
		name, more := p.member(first)
		switch {
		case !more:
			return
		case string(name) == "user_id":
			p.tag(MetadataUser)
		default:
			p.skip()
		}
	}
}

// setting reads a value of a field.
func (p *peek) setting(f field) int32 {
	token, ok := p.scalarOrSkip()
	switch {
	case !ok:
		return 0
	case f != stream:
		return whole(token)
	case string(token) == "true":
		return streaming
	case string(token) == "false":
		return notStreaming
	}
	return 0
}

// The values of stream.
const (
	streaming    = 1
	notStreaming = -1
)

// part skips a part of the prompt and returns its length; that of null is 0.
func (p *peek) part(index uint8) int {
	if p.where == nil {
		begin, withheld := p.value()
		return p.at - begin - withheld
	}
	p.noted = &p.where.pictures
	begin, withheld := p.value()
	p.noted = nil
	p.where.parts[index] = span{begin, p.at}
	return p.at - begin - withheld
}

// value skips a value and returns where it began; null begins where it ends.
func (p *peek) value() (begin, withheld int) {
	if p.space() == 'n' {
		p.skip()
		return p.at, 0
	}
	begin = p.at
	return begin, p.skip()
}

// tag skips a value, and keeps it if it is a text that somebody wants.
func (p *peek) tag(t Tag) {
	if text, _ := p.stringOrSkip(); p.where != nil {
		p.where.tags[t] = text
	}
}

// tokens is the largest limit in the body, times the number of generated texts.
// Each server obeys one of the limits and does not know the others: if a smaller
// one counted, a request could pass for small by a limit that its server ignores.
// The larger of n and best_of counts too: best_of texts are generated, and n of
// them returned.
func (p *peek) tokens() int {
	limit, times := int64(0), int64(1)
	for o := range p.settings {
		s := &p.settings[o]
		for f := maxCompletionTokens; f <= numPredict; f++ {
			limit = max(limit, int64(s[f]))
		}
		times = max(times, int64(s[choices]), int64(s[bestOf]))
	}
	return int(min(limit*times, math.MaxInt32))
}

// says reports whether one of the objects has this value of stream.
func (p *peek) says(value int32) bool {
	for o := range p.settings {
		if p.settings[o][stream] == value {
			return true
		}
	}
	return false
}

func (p *peek) promptBytes() (sum int) {
	for _, n := range p.prompt {
		sum += n
	}
	return sum
}
