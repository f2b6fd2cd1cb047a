// Going through JSON once, without allocation.

package payload

import "bytes"

// scanner goes through JSON once, from its beginning. It stops at the first
// fault, and is broken from then on.
type scanner struct {
	body   []byte
	at     int // how far it has been read
	broken bool
	noted  *[]span // gets where encoded pictures and sound are; nil: nobody wants to know
}

// space skips white space and returns the byte after it, 0 at the end.
func (s *scanner) space() byte {
	for ; s.at < len(s.body); s.at++ {
		if c := s.body[s.at]; c > ' ' || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c
		}
	}
	return 0
}

func (s *scanner) fail() { s.broken = true }

// member skips up to a member's value and returns the member's name, with its
// escapes. more is false at the object's end, which is skipped as well, and after
// a fault.
func (s *scanner) member(first bool) (name []byte, more bool) {
	if s.broken {
		return nil, false
	}
	switch c := s.space(); {
	case c == '}':
		s.at++
		return nil, false
	case first:
	case c == ',':
		s.at++
	default:
		s.fail()
		return nil, false
	}
	if s.space() != '"' {
		s.fail()
		return nil, false
	}
	name = s.text()
	if s.broken || s.space() != ':' {
		s.fail()
		return nil, false
	}
	s.at++
	return name, true
}

// text skips a string, whose opening quote comes next, and returns what is between
// the quotes.
func (s *scanner) text() []byte {
	body, begin := s.body, s.at+1
	if end := short(body, begin); end > 0 {
		s.at = end + 1
		return body[begin:end]
	}
	for from, closed := begin, false; ; {
		end := from + bytes.IndexByte(body[from:], '"')
		if end < from {
			s.fail()
			return nil
		}
		if body[end-1] == '\\' && escaped(body[from:end]) {
			if from, closed = dense(body, end+1); !closed {
				continue
			}
			end = from
		}
		s.at = end + 1
		return body[begin:end]
	}
}

// escaped says whether the byte after text is escaped: after an odd number of backslashes.
func escaped(text []byte) bool {
	slashes := 0
	for i := len(text) - 1; i >= 0 && text[i] == '\\'; i-- {
		slashes++
	}
	return slashes%2 == 1
}

// stringOrSkip skips a value and returns it if it is a string.
func (s *scanner) stringOrSkip() (text []byte, ok bool) {
	if s.space() != '"' {
		s.skip()
		return nil, false
	}
	text = s.text()
	return text, !s.broken
}

// scalarOrSkip skips a value and returns it if it is a number or a literal.
func (s *scanner) scalarOrSkip() (token []byte, ok bool) {
	switch s.space() {
	case '"', '{', '[':
		s.skip()
		return nil, false
	}
	token = s.scalar()
	return token, !s.broken
}

// scalar skips a number or a literal and returns it. At the body's end it is a
// fault, since it may be cut off.
func (s *scanner) scalar() []byte {
	begin := s.at
	for ; s.at < len(s.body); s.at++ {
		switch c := s.body[s.at]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '+', c == '.', c >= 'A' && c <= 'Z':
			continue
		}
		if s.at == begin {
			break
		}
		return s.body[begin:s.at]
	}
	s.fail()
	return nil
}

// skip skips a value and returns how many bytes of it are encoded pictures or sound.
func (s *scanner) skip() (withheld int) {
	switch s.space() {
	case '"':
		return s.withhold(s.text())
	case '{', '[':
		return s.nested()
	}
	s.scalar()
	return 0
}

// withhold is the length of a text that was just read, if it is a picture or sound.
func (s *scanner) withhold(text []byte) int {
	n := encoded(text)
	if n > 0 && s.noted != nil && len(*s.noted) < mostPictures {
		end := s.at - len(`"`)
		*s.noted = append(*s.noted, span{end - n, end})
	}
	return n
}

// structural are the bytes that matter between the strings of a value.
var structural = [256]bool{'"': true, '{': true, '}': true, '[': true, ']': true}

// nested skips an object or an array. It checks that all brackets are closed, but
// not that each is closed by its own kind.
func (s *scanner) nested() (withheld int) {
	body, depth := s.body, 0
	for at := s.at; at < len(body); at++ {
		c := body[at]
		switch {
		case !structural[c]:
			if at+1 < len(body) && !structural[body[at+1]] {
				at = calm(body, at+2) - 1
			}
		case c == '"':
			s.at = at
			if text := s.text(); len(text) >= encodedLeast {
				withheld += s.withhold(text)
			} else if s.broken {
				return withheld
			}
			at = s.at - 1
		case c == '{' || c == '[':
			depth++
		default:
			if depth--; depth == 0 {
				s.at = at + 1
				return withheld
			}
		}
	}
	s.fail()
	return withheld
}
