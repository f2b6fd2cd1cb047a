// A row as bytes in a file, and back: nothing that was damaged is taken for a row.

package usage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"time"
)

// A segment begins with these bytes; then come frames: the length of the row's bytes, a checksum of length and
// row (CRC-32C), and the row.
const (
	magicName    = "steelyard usage "
	magicVersion = "1\n"
	magic        = magicName + magicVersion

	frameHead = 8
	mostText  = 256  // bytes of one text in a row; longer ones are cut
	mostRow   = 4096 // bytes; more than any row has
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendFrame appends the row.
func appendFrame(b []byte, r *Row) []byte {
	begin := len(b)
	b = append(b, make([]byte, frameHead)...)
	b = appendRow(b, r)
	seal(b[begin:])
	return b
}

// seal writes the head of a frame.
func seal(frame []byte) {
	binary.LittleEndian.PutUint32(frame, uint32(len(frame)-frameHead))
	binary.LittleEndian.PutUint32(frame[4:], sum(frame))
}

func sum(frame []byte) uint32 {
	return crc32.Update(crc32.Checksum(frame[:4], castagnoli), castagnoli, frame[frameHead:])
}

// appendRow appends the row's bytes. The user comes first, so that it can be wiped out in place.
func appendRow(b []byte, r *Row) []byte {
	flags := byte(0)
	for i, flag := range [...]bool{r.Stream, r.RetrySaid, r.Begun} {
		if flag {
			flags |= 1 << i
		}
	}
	b = appendText(b, string(r.User))
	b = append(b, flags)
	b = binary.AppendVarint(b, r.At.UnixNano())
	for _, text := range [...]string{r.Upstream, r.Endpoint, r.Model, r.Class, r.Failure, r.Phase} {
		b = appendText(b, text)
	}
	for _, n := range [...]int{r.Status, r.PromptBytes, r.MaxTokens, r.PromptTokens, r.CachedTokens, r.CompletionTokens, r.Written, r.Retry, r.Attempts, r.Slots} {
		b = binary.AppendVarint(b, int64(n))
	}
	for _, d := range [...]time.Duration{r.Queue, r.FirstByte, r.Service, r.Response, r.Overhead, r.ClientTimeout} {
		b = binary.AppendVarint(b, int64(d/time.Microsecond))
	}
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(r.Capacity)))
	return binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(r.Work)))
}

func appendText(b []byte, text string) []byte {
	text = text[:min(len(text), mostText)]
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

var errRow = errors.New("not a row")

// texts makes each text of rows once, up to some thousands.
type texts map[string]string

func (t texts) get(b []byte) string {
	if known, ok := t[string(b)]; ok {
		return known
	}
	made := string(b)
	if len(t) < 1<<14 {
		t[made] = made
	}
	return made
}

// rowReader takes a row's bytes apart.
type rowReader struct {
	rest  []byte
	bad   bool
	texts texts
}

func (d *rowReader) text() string {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 || n > mostText || n > uint64(len(d.rest)-size) {
		d.bad = true
		return ""
	}
	text := d.rest[size : size+int(n)]
	d.rest = d.rest[size+int(n):]
	return d.texts.get(text)
}

func (d *rowReader) number() int64 {
	n, size := binary.Varint(d.rest)
	if size <= 0 {
		d.bad = true
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *rowReader) float() float64 {
	if len(d.rest) < 4 {
		d.bad = true
		return 0
	}
	v := math.Float32frombits(binary.LittleEndian.Uint32(d.rest))
	d.rest = d.rest[4:]
	return float64(v)
}

// readRow is the row that these bytes are.
func readRow(b []byte, known texts) (r Row, err error) {
	d := rowReader{rest: b, texts: known}
	r.User = wiped(d.text())
	if len(d.rest) == 0 {
		return r, errRow
	}
	flags := d.rest[0]
	d.rest = d.rest[1:]
	r.Stream, r.RetrySaid, r.Begun = flags&1 != 0, flags&2 != 0, flags&4 != 0
	r.At = time.Unix(0, d.number())
	for _, text := range [...]*string{&r.Upstream, &r.Endpoint, &r.Model, &r.Class, &r.Failure, &r.Phase} {
		*text = d.text()
	}
	for _, n := range [...]*int{&r.Status, &r.PromptBytes, &r.MaxTokens, &r.PromptTokens, &r.CachedTokens, &r.CompletionTokens, &r.Written, &r.Retry, &r.Attempts, &r.Slots} {
		*n = int(d.number())
	}
	for _, t := range [...]*time.Duration{&r.Queue, &r.FirstByte, &r.Service, &r.Response, &r.Overhead, &r.ClientTimeout} {
		*t = time.Duration(d.number()) * time.Microsecond
	}
	r.Capacity, r.Work = d.float(), d.float()
	if d.bad || len(d.rest) > 0 {
		return r, errRow
	}
	return r, nil
}

// A user that was forgotten has left bytes that no name has.
const wipedByte = 0

func wiped(user string) UserID {
	if len(user) > 0 && user[0] == wipedByte {
		return ""
	}
	return UserID(user)
}

// wipe takes the user out of a frame, whose length stays.
func wipe(frame []byte) {
	n, size := binary.Uvarint(frame[frameHead:])
	clear(frame[frameHead+size : frameHead+size+int(n)])
	seal(frame)
}

// found is what nextFrame has found.
type found uint8

const (
	aFrame  found = iota
	tooFew        // more bytes may make it one
	damaged       // what is there is none
)

// nextFrame is the frame that b begins with.
func nextFrame(b []byte) (frame []byte, what found) {
	if len(b) < frameHead {
		return nil, tooFew
	}
	n := binary.LittleEndian.Uint32(b)
	switch {
	case n == 0 || n > mostRow:
		return nil, damaged
	case int(n) > len(b)-frameHead:
		return nil, tooFew
	}
	frame = b[:frameHead+int(n)]
	if binary.LittleEndian.Uint32(frame[4:]) != sum(frame) {
		return nil, damaged
	}
	return frame, aFrame
}

// eachFrame calls each for every whole frame of b, and returns how many bytes were looked at, and how many
// of them were skipped since they were damaged. What is left may be the beginning of a frame.
func eachFrame(b []byte, each func(at int, frame []byte)) (used, skipped int) {
	for used < len(b) {
		frame, what := nextFrame(b[used:])
		if what == aFrame {
			each(used, frame)
			used += len(frame)
			continue
		}
		n, ok := resync(b[used:])
		if !ok && what == tooFew {
			return used, skipped // a torn end
		}
		used, skipped = used+n, skipped+n
	}
	return used, skipped
}

// resync finds the next whole frame behind damage: how many bytes are none, and whether there is one.
func resync(b []byte) (skip int, ok bool) {
	for at := 1; at+frameHead <= len(b); at++ {
		// The upper bytes of a length are 0: look for those first.
		i := bytes.Index(b[at+2:], upper)
		if i < 0 {
			break
		}
		at += i
		if _, what := nextFrame(b[at:]); what == aFrame {
			return at, true
		}
	}
	return len(b), false
}

var upper = []byte{0, 0}
