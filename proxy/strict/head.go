// The end of a head, and what requests and answers have in common.

package strict

import "bytes"

var blankLine = []byte("\r\n\r\n")

// HeadEnd is the number of bytes up to and including the blank line that ends a
// head, or -1 when it has not arrived.
func HeadEnd(b []byte) int {
	if i := bytes.Index(b, blankLine); i >= 0 {
		return i + len(blankLine)
	}
	return -1
}

// Search finds the end of a head that comes in pieces. It looks at each byte about
// once, however many pieces there are: a head that comes byte by byte must not cost
// its length squared. The zero value is for a new head. All methods take the whole
// head so far.
type Search struct {
	ended int  // bytes in which no blank line ends
	lined int  // bytes in which no line ends badly
	begun bool // the first line of a request has been looked at
}

// End is HeadEnd.
func (s *Search) End(b []byte) int {
	from := max(s.ended-len(blankLine)+1, 0)
	if end := HeadEnd(b[from:]); end >= 0 {
		return from + end
	}
	s.ended = len(b)
	return -1
}

// BareLF says whether a line of the head ends in a bare line feed. Refuse such a head
// at once: its blank line may never be recognised.
func (s *Search) BareLF(b []byte) bool {
	for i := s.lined; ; i++ {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			s.lined = len(b)
			return false
		}
		if i += n; i == 0 || b[i-1] != '\r' {
			return true
		}
	}
}

// Doomed refuses the beginning of a request's head that is wrong however it goes on,
// so that its sender need not wait for a time-out.
func (s *Search) Doomed(b []byte) *Refusal {
	from := s.lined
	if s.BareLF(b) {
		return BadLineEnd
	}
	if from == 0 && len(b) > 0 && !Token(b[:1]) && b[0] != '\r' { // a method begins no other way: TLS on a plain port
		return BadRequestLine
	}
	if s.begun || bytes.IndexByte(b[from:], '\n') < 0 {
		return nil
	}
	s.begun = true
	line, _, _ := cutLine(b)
	var r Request
	_, refusal := r.requestLine(line)
	return refusal
}

// cutLine takes the first line off a head that HeadEnd found whole. A line ends
// in CR LF and holds no other CR, LF or NUL.
func cutLine(head []byte) (line, rest []byte, ok bool) {
	i := bytes.IndexByte(head, '\n')
	if i < 1 || head[i-1] != '\r' {
		return nil, nil, false
	}
	return head[:i-1], head[i+1:], true
}

// message is what requests and answers have in common.
type message struct {
	Minor         int     // HTTP/1.Minor
	Fields        []Field // in the order of the wire
	ContentLength int64   // -1: none
	Chunked       bool
	Close         bool   // Connection: close
	KeepAlive     bool   // Connection: keep-alive
	Upgrade       []byte // the Upgrade field, if Connection names it
	Trailers      bool   // TE: trailers, if a request

	options int  // elements of all Connection fields together
	named   bool // one of them is the name of a field beyond the well-known ones
}

// Limits on a head, far above what honest ones have. A field takes more memory than
// its bytes, and each is looked for among the options.
const (
	maxFields  = 1000
	maxOptions = 64
)

func (m *message) reset() {
	*m = message{Fields: m.Fields[:0], ContentLength: -1}
}

// Get is the value of the first field of that lower-case name, or nil.
func (m *message) Get(lower string) []byte {
	for i := range m.Fields {
		if EqualFold(m.Fields[i].Name, lower) {
			return m.Fields[i].Value
		}
	}
	return nil
}

// Persistent says whether the sender keeps the connection open after this
// message (RFC 9112 9.3).
func (m *message) Persistent() bool {
	return !m.Close && (m.Minor == 1 || m.KeepAlive)
}

// fields parses all field lines of a head, down to the blank line.
func (m *message) fields(head []byte, lenient bool, field func(*Field) *Refusal) *Refusal {
	for {
		line, rest, ok := cutLine(head)
		if !ok {
			return BadLineEnd
		}
		if len(line) == 0 {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			return LineFolding
		}
		f, refusal := parseField(line, lenient)
		if refusal != nil {
			return refusal
		}
		if len(m.Fields) == maxFields {
			return TooManyFields
		}
		m.Fields = append(m.Fields, f)
		last := &m.Fields[len(m.Fields)-1] // not &f, which would be allocated
		if refusal := m.framing(last, lenient); refusal != nil {
			return refusal
		}
		if refusal := field(last); refusal != nil {
			return refusal
		}
		head = rest
	}
	if m.Chunked && m.ContentLength >= 0 {
		return LengthAndCoding
	}
	if m.named {
		m.removeNamed()
	}
	m.upgrade()
	return nil
}

// framing reads the fields that say where a message ends.
func (m *message) framing(f *Field, answer bool) *Refusal {
	switch f.Kind {
	case ContentLength:
		if m.ContentLength >= 0 {
			return TwoLengths
		}
		if m.ContentLength = number(f.Value); m.ContentLength < 0 {
			return BadLength
		}
	case TransferEncoding:
		if m.Chunked || !EqualFold(f.Value, "chunked") {
			return BadCoding
		}
		if m.Minor == 0 && !answer {
			return CodingInHTTP10
		}
		m.Chunked = true
	case Connection:
		eachTokenUntil(f.Value, func(token []byte) bool {
			if m.options++; m.options > maxOptions {
				return false
			}
			switch {
			case EqualFold(token, "close"):
				m.Close = true
			case EqualFold(token, "keep-alive"):
				m.KeepAlive = true
			case kindOf(token) == End:
				m.named = true
			}
			return true
		})
		if m.options > maxOptions {
			return TooManyOptions
		}
	}
	return nil
}
