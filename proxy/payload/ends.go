// The hints that stand at both ends of a long body.

package payload

import "bytes"

// PeekEnds reads what stands at the ends of a body of that length: before and after a long prompt, which is not looked at.
// A member between two long values is missed. The last value counts, as with Peek. PromptBytes is the length of the body, and Pieces
// has nothing. ok is false where the ends do not name the model, or are not those of an object: then Peek may find more.
func (p *Prompt) PeekEnds(head, tail []byte, length int, scratch []byte) (h Hints, ok bool) {
	p.Forget()
	k := peek{scanner: scanner{body: head}, where: p}
	if k.request() || !k.broken || k.reads != aPrompt { // the head is not cut off in the prompt
		return h, false
	}
	k.scanner = scanner{body: tail, at: lastMembers(tail)}
	if k.at < len(tail) && !k.members() || len(k.model) == 0 {
		return h, false
	}
	return Hints{
		Model: plain(k.model, scratch), MaxTokens: k.tokens(), Stream: k.says(streaming), Whole: k.says(notStreaming), PromptBytes: length, OK: true,
	}, true
}

// lastMembers is where the first member of the outermost object begins of which the end of a body has the whole; its length where it
// has none. It goes backwards: outside of strings a quote closes one, and what is before it in that string is plain.
func lastMembers(tail []byte) (from int) {
	from = len(tail)
	at := spaceBefore(tail, len(tail))
	if at == 0 || tail[at-1] != '}' {
		return from
	}
	for at--; ; at-- {
		if at = valueBefore(tail, spaceBefore(tail, at)); at <= 0 {
			return from
		}
		if at = spaceBefore(tail, at); at == 0 || tail[at-1] != ':' {
			return from
		}
		if at = spaceBefore(tail, at-1); at == 0 || tail[at-1] != '"' {
			return from
		}
		if at = stringBefore(tail, at); at <= 0 {
			return from
		}
		name := at
		if at = spaceBefore(tail, at); at == 0 || tail[at-1] != ',' {
			return from
		}
		from = name
	}
}

// spaceBefore, stringBefore and valueBefore are where the white space, the string or the value begins that ends before at;
// -1 where it begins earlier than the text.
func spaceBefore(text []byte, at int) int {
	for at > 0 && (text[at-1] == ' ' || text[at-1] == '\n' || text[at-1] == '\r' || text[at-1] == '\t') {
		at--
	}
	return at
}

func stringBefore(text []byte, at int) int {
	for at--; ; {
		if at = bytes.LastIndexByte(text[:at], '"'); at < 1 {
			return -1
		}
		if before := bytes.TrimRight(text[:at], `\`); len(before) == 0 {
			return -1 // the backslashes may go on before the text
		} else if (at-len(before))%2 == 0 {
			return at
		}
	}
}

func valueBefore(text []byte, at int) int {
	depth := 0
	for at > 0 {
		switch c := text[at-1]; {
		case depth > 0 && !structural[c]:
			at--
			continue
		case c == '"':
			if at = stringBefore(text, at); at < 0 {
				return -1
			}
		case c == '}' || c == ']':
			depth++
			at--
		case depth > 0:
			depth--
			at--
		default:
			return scalarBefore(text, at)
		}
		if depth == 0 {
			return at
		}
	}
	return -1
}

func scalarBefore(text []byte, at int) int {
	end := at
	for at > 0 && text[at-1] > ' ' && bytes.IndexByte([]byte(`,:{}[]"`), text[at-1]) < 0 {
		at--
	}
	if at == end {
		return -1
	}
	return at
}
