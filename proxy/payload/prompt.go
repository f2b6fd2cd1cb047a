// Where a body has what the model reads.

package payload

// mostPictures is how many pictures of a body are told from text. More than that count as text.
const mostPictures = 256

// Prompt is where a body has what the model reads. It keeps its memory from one body to the
// next, and points into the body.
type Prompt struct {
	body     []byte
	parts    [prompts]span
	pictures []span // encoded texts in the parts, also in those that were replaced; in their order
	tags     [tags][]byte
	ok       bool
}

// span is a part of the body, from a byte to before another.
type span struct{ from, to int }

// Peek is the function Peek, and takes in where the prompt is, in the same pass.
func (p *Prompt) Peek(body, scratch []byte) Hints {
	p.Forget()
	p.body = body
	h := look(body, scratch, p)
	p.ok = h.OK
	return h
}

// Forget lets go of the body.
func (p *Prompt) Forget() { *p = Prompt{pictures: p.pictures[:0]} }

// Tag is what the body says of a tag, with its escapes; empty where it says nothing.
func (p *Prompt) Tag(t Tag) []byte { return p.tags[t] }

// Apart are the texts that keep equal prompts apart beside the model: adapter, salt and the
// like. There are always as many.
func (p *Prompt) Apart(yield func(text []byte) bool) {
	for _, text := range p.tags[loraPath:] {
		if !yield(text) {
			return
		}
	}
}

// Pieces are the bytes of the prompt in the order in which the model reads them, whatever their
// order in the body: tools, system, messages and so on. Before each part comes a byte that says
// which it is. A picture comes in one piece. There are none in a body that is broken or
// no JSON.
func (p *Prompt) Pieces(yield func(piece []byte, picture bool) bool) {
	if !p.ok {
		return
	}
	for i, part := range p.parts {
		if part.from < part.to && (!yield(names[i:i+1], false) || !p.pieces(part, yield)) {
			return
		}
	}
}

// names stand for the parts.
var names = []byte("abcdefghijk")

func (p *Prompt) pieces(part span, yield func(piece []byte, picture bool) bool) bool {
	at := part.from
	for _, picture := range p.pictures {
		if picture.from < at || picture.to > part.to {
			continue
		}
		if !yield(p.body[at:picture.from], false) || !yield(p.body[picture.from:picture.to], true) {
			return false
		}
		at = picture.to
	}
	return yield(p.body[at:part.to], false)
}
