// Decoding the chunked transfer coding.

package strict

import "bytes"

// Limits on the chunked coding, in bytes; no honest sender comes near them.
const (
	maxSizeLine = 4 << 10
	maxTrailers = 16 << 10
	// maxExcess is by how much all extensions of a body together may be longer than its data,
	// so that a limit on the data also limits what is read in all.
	maxExcess = 16 << 10
)

// ErrBadChunk: the coding is malformed. ErrBadTrailer: the trailer section is
// malformed. ErrExtensions: too much of the body is chunk extensions.
const (
	ErrBadChunk   = malformed("malformed chunked coding")
	ErrBadTrailer = malformed("malformed or forbidden trailer field")
	ErrExtensions = malformed("chunk extensions larger than the data and 16 KiB")
)

type chunkState uint8

const (
	inSize      chunkState = iota // digits of a chunk's size
	inExtension                   // from the white space or semicolon to the CR
	sizeLF                        // the LF of the size line is due
	inData
	dataCR // the CR after the data is due
	dataLF
	inTrailer // the trailer section, up to its blank line
	ended
)

// Chunked undoes the chunked coding. The zero value is ready for a new body.
type Chunked struct {
	// Trailer is the trailer section once the body has ended: whole lines, each
	// with its CR LF, without the blank line. Empty when there is none.
	Trailer []byte
	// DropForbidden removes trailer fields that are not allowed, as a proxy does in
	// answers. Without it they are an error.
	DropForbidden bool

	state  chunkState
	digits uint8
	line   int   // bytes of the current chunk's extension
	excess int64 // by how many bytes all extensions so far are longer than the data
	left   int64 // bytes of data that the current chunk still has
}

// Reset makes c ready for another body, keeping its memory.
func (c *Chunked) Reset() { *c = Chunked{Trailer: c.Trailer[:0], DropForbidden: c.DropForbidden} }

// Ended says whether the body and its trailers have been read whole.
func (c *Chunked) Ended() bool { return c.state == ended }

// Left is how many bytes of data are still due in the current chunk if the next
// byte is one of them, else 0. The reader may read them itself and call Took
// instead of Next.
func (c *Chunked) Left() int64 {
	if c.state != inData {
		return 0
	}
	return c.left
}

// Took records that n bytes of data, at most Left, were read without Next.
func (c *Chunked) Took(n int) {
	if c.left -= int64(n); c.left == 0 {
		c.state = dataCR
	}
}

// Next decodes from the front of p: it returns the next piece of data, which is
// part of p and may be empty, and how many bytes of p it has used. Call it until
// it has used all of p or Ended.
func (c *Chunked) Next(p []byte) (data []byte, used int, err error) {
	used, err = c.Skip(p)
	if err != nil || c.state != inData {
		return nil, used, err
	}
	data = p[used:]
	if int64(len(data)) > c.left {
		data = data[:c.left]
	}
	if len(data) > 0 {
		c.Took(len(data))
	}
	return data, used + len(data), nil
}

// Skip decodes from the front of p up to the first byte of data, or to the end
// of the body, and returns how many bytes it has used.
func (c *Chunked) Skip(p []byte) (used int, err error) {
	for used < len(p) && c.state != inData && c.state != ended {
		if c.state == inTrailer {
			n, err := c.trailer(p[used:])
			used += n
			if err != nil {
				return used, err
			}
			continue
		}
		if !c.framing(p[used]) {
			return used, c.fault()
		}
		used++
	}
	return used, nil
}

// fault is the error for the byte that framing refused.
func (c *Chunked) fault() error {
	if c.excess > maxExcess {
		return ErrExtensions
	}
	return ErrBadChunk
}

// framing takes one byte around the data.
func (c *Chunked) framing(b byte) bool {
	switch c.state {
	case inSize:
		return c.size(b)
	case inExtension:
		c.line++
		if b == '\r' {
			c.state = sizeLF
			return true
		}
		return c.line <= maxSizeLine && (b >= 0x20 || b == '\t') && b != 0x7f
	case sizeLF:
		if c.excess = max(c.excess+int64(c.line)-c.left, 0); c.excess > maxExcess {
			return false
		}
		c.state = inData
		if c.left == 0 {
			c.state = inTrailer
		}
		c.line, c.digits = 0, 0
		return b == '\n'
	case dataCR:
		c.state = dataLF
		return b == '\r'
	case dataLF:
		c.state = inSize
		return b == '\n'
	}
	return false
}

// size takes one byte of a size: at most 15 hexadecimal digits, so that it can
// not overflow, then the end of the line or an extension. White space is
// allowed only in front of an extension, which the state machine reads as part
// of it (RFC 9112 7.1.1); a size padded with blanks is refused.
func (c *Chunked) size(b byte) bool {
	if d := unhex(b); d >= 0 {
		c.digits++
		c.left = c.left<<4 | int64(d)
		return c.digits <= 15
	}
	if c.digits == 0 {
		return false
	}
	switch b {
	case '\r':
		c.state = sizeLF
	case ';':
		c.state = inExtension
	default:
		return false
	}
	return true
}

// trailer gathers the trailer section until its blank line and checks it.
func (c *Chunked) trailer(p []byte) (used int, err error) {
	for used < len(p) {
		i := bytes.IndexByte(p[used:], '\n')
		if i < 0 {
			i = len(p) - used - 1
		}
		c.Trailer = append(c.Trailer, p[used:used+i+1]...)
		used += i + 1
		if len(c.Trailer) > maxTrailers {
			return used, ErrBadTrailer
		}
		if bytes.HasSuffix(c.Trailer, blankLine) || string(c.Trailer) == "\r\n" {
			c.Trailer = c.Trailer[:len(c.Trailer)-2]
			c.state = ended
			return used, c.checkTrailer()
		}
	}
	return used, nil
}

// checkTrailer looks for fields that may not come after a body: those that
// frame, route or authenticate (RFC 9110 6.5.1).
func (c *Chunked) checkTrailer() error {
	kept := c.Trailer[:0]
	for rest := c.Trailer; len(rest) > 0; {
		line, next, ok := cutLine(rest)
		if !ok {
			return ErrBadTrailer
		}
		f, refusal := parseField(line, false)
		switch {
		case refusal != nil, forbiddenTrailer(&f) && !c.DropForbidden:
			return ErrBadTrailer
		case !forbiddenTrailer(&f):
			kept = append(kept, rest[:len(line)+2]...)
		}
		rest = next
	}
	c.Trailer = kept
	return nil
}

// AppendAnnounced appends the elements of a Trailer field that may come after a body: to
// announce the others would be to promise what is refused, or left out.
func AppendAnnounced(b, list []byte) []byte {
	begin := len(b)
	eachToken(list, func(name []byte) {
		if f := (Field{Name: name, Kind: kindOf(name)}); !Token(name) || forbiddenTrailer(&f) {
			return
		}
		if len(b) > begin {
			b = append(b, ", "...)
		}
		b = append(b, name...)
	})
	return b
}

func forbiddenTrailer(f *Field) bool {
	if f.Kind != End {
		return f.Kind != Date
	}
	for _, name := range [...]string{"authorization", "cookie", "set-cookie", "content-range", "cache-control", "range"} {
		if EqualFold(f.Name, name) {
			return true
		}
	}
	return false
}
