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

// BareLF says whether a line among these first bytes of a head ends in a bare
// line feed. Such a head may never see its blank line: refuse it at once.
func BareLF(b []byte) bool {
	for i := 0; ; {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			return false
		}
		if i += n; i == 0 || b[i-1] != '\r' {
			return true
		}
		i++
	}
}

// Doomed refuses the beginning of a request's head that no continuation can make
// good, so that its sender need not wait for a time-out to learn of it.
func Doomed(b []byte) *Refusal {
	if BareLF(b) {
		return BadLineEnd
	}
	line, _, ok := cutLine(b)
	if !ok {
		return nil
	}
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

	named int // fields beyond the well-known ones that Connection names
}

// maxNamed bounds what Connection may name: each is looked for among all fields.
const maxNamed = 64

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
	if m.named > 0 {
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
		eachToken(f.Value, func(token []byte) {
			switch {
			case EqualFold(token, "close"):
				m.Close = true
			case EqualFold(token, "keep-alive"):
				m.KeepAlive = true
			case kindOf(token) == End:
				m.named++
			}
		})
		if m.named > maxNamed {
			return BadFieldValue
		}
	}
	return nil
}

// removeNamed marks the fields that Connection names as hop-by-hop.
func (m *message) removeNamed() {
	for i := range m.Fields {
		if m.Fields[i].Kind != Connection {
			continue
		}
		eachToken(m.Fields[i].Value, func(token []byte) {
			for k := range m.Fields {
				if f := &m.Fields[k]; f.Kind == End && bytes.EqualFold(f.Name, token) {
					f.Kind = Hop
				}
			}
		})
	}
}

// upgrade finds the protocol that the message switches to, which counts only
// where Connection names it (RFC 9110 7.8). Another version of HTTP is never
// tunnelled: requests inside the tunnel would pass the gate unseen.
func (m *message) upgrade() {
	var protocol []byte
	named := false
	for i := range m.Fields {
		switch f := &m.Fields[i]; f.Kind {
		case Upgrade:
			protocol = f.Value
		case Connection:
			eachToken(f.Value, func(token []byte) { named = named || EqualFold(token, "upgrade") })
		}
	}
	if protocol == nil || !named || m.Minor == 0 {
		return
	}
	http := false
	eachToken(protocol, func(token []byte) { http = http || isHTTP(token) })
	if !http {
		m.Upgrade = protocol
	}
}

func isHTTP(protocol []byte) bool {
	const named = "http/"
	return EqualFold(protocol, "h2c") || EqualFold(protocol, "h2") ||
		len(protocol) >= len(named) && EqualFold(protocol[:len(named)], named)
}
