// The time that a chunk carries, written and found again.

package wire

import "bytes"

var stampMark = []byte(stampKey)

// stampAt is where the digits of a chunk's stamp begin.
var stampAt = bytes.Index([]byte(chunk), stampMark) + len(stampMark)

// stampSize is the longest piece of a stamp that a read may cut off.
const stampSize = len(stampKey) + stampDigits

// putStamp writes the time into sixteen bytes, in hexadecimal.
func putStamp(p []byte, at int64) {
	for i := stampDigits - 1; i >= 0; i-- {
		p[i] = "0123456789abcdef"[at&15]
		at >>= 4
	}
}

// stamps finds the stamps in a byte stream that is cut anywhere: a proxy may join chunks, split them, frame them anew.
type stamps struct {
	tail  [stampSize - 1]byte // the end of what came before, where a stamp may have begun
	tailN int
}

// scan calls each with every stamp that p completes.
func (s *stamps) scan(p []byte, each func(at int64)) {
	if s.tailN > 0 {
		// Enough of p to finish any stamp begun in the tail, too little to hold a whole one of its own.
		var seam [2 * (stampSize - 1)]byte
		n := copy(seam[:], s.tail[:s.tailN])
		n += copy(seam[n:], p[:min(len(p), stampSize-1)])
		findStamps(seam[:n], each)
	}
	findStamps(p, each)
	s.keep(p)
}

// keep remembers the last bytes of the stream, p being its latest part.
func (s *stamps) keep(p []byte) {
	if len(p) >= len(s.tail) {
		s.tailN = copy(s.tail[:], p[len(p)-len(s.tail):])
		return
	}
	over := max(0, s.tailN+len(p)-len(s.tail))
	s.tailN = copy(s.tail[:], s.tail[over:s.tailN])
	s.tailN += copy(s.tail[s.tailN:], p)
}

func findStamps(p []byte, each func(at int64)) {
	for {
		i := bytes.Index(p, stampMark)
		if i < 0 || len(p) < i+stampSize {
			return
		}
		each(stampOf(p[i+len(stampMark):]))
		p = p[i+stampSize:]
	}
}

func stampOf(p []byte) (at int64) {
	for _, c := range p[:stampDigits] {
		digit := int64(c - '0')
		if c >= 'a' {
			digit = int64(c-'a') + 10
		}
		at = at<<4 | digit
	}
	return at
}
