package payload

import "bytes"

// scanner goes through JSON once, from its beginning. It stops at the first
// fault, and is broken from then on.
type scanner struct {
	body   []byte
	at     int // how far it has been read
	broken bool
}

// space passes over white space and returns the byte after it, 0 at the end.
func (s *scanner) space() byte {
	for ; s.at < len(s.body); s.at++ {
		if c := s.body[s.at]; c > ' ' || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c
		}
	}
	return 0
}

func (s *scanner) fail() { s.broken = true }

// member passes over what stands before a member's value and returns the
// member's name, with its escapes. There are no more after the object's end,
// which is passed over as well, and after a fault.
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

// text passes over a string, at whose opening quote the scanner stands, and
// returns what is between the quotes.
func (s *scanner) text() []byte {
	body, begin := s.body, s.at+1
	for end := begin; ; end++ {
		next := bytes.IndexByte(body[end:], '"')
		if next < 0 {
			s.fail()
			return nil
		}
		end += next
		if body[end-1] != '\\' || !escaped(body[begin:end]) {
			s.at = end + 1
			return body[begin:end]
		}
	}
}

// escaped says whether the byte after text is: after an odd number of backslashes.
func escaped(text []byte) bool {
	slashes := 0
	for i := len(text) - 1; i >= 0 && text[i] == '\\'; i-- {
		slashes++
	}
	return slashes%2 == 1
}

// stringOrSkip passes over a value and returns the string that it is.
func (s *scanner) stringOrSkip() (text []byte, ok bool) {
	if s.space() != '"' {
		s.skip()
		return nil, false
	}
	text = s.text()
	return text, !s.broken
}

// scalarOrSkip passes over a value and returns the number or literal that it is.
func (s *scanner) scalarOrSkip() (token []byte, ok bool) {
	switch s.space() {
	case '"', '{', '[':
		s.skip()
		return nil, false
	}
	token = s.scalar()
	return token, !s.broken
}

// scalar passes over a number or a literal. One that the body's end cuts off is
// a fault: nobody knows how it would have gone on.
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

// skip passes over a value and returns how much of it is encoded.
func (s *scanner) skip() (withheld int) {
	switch s.space() {
	case '"':
		return encoded(s.text())
	case '{', '[':
		return s.nested()
	}
	s.scalar()
	return 0
}

// structural are the bytes that mean something between the strings of a value.
var structural = [256]bool{'"': true, '{': true, '}': true, '[': true, ']': true}

// nested passes over an object or an array. That each bracket is closed by its
// like is not looked at, only that all are closed.
func (s *scanner) nested() (withheld int) {
	body, depth := s.body, 0
	for at := s.at; at < len(body); at++ {
		c := body[at]
		switch {
		case !structural[c]:
		case c == '"':
			s.at = at
			if text := s.text(); len(text) >= encodedLeast {
				withheld += encoded(text)
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
