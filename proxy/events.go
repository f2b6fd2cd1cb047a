package proxy

import (
	"bytes"

	"github.com/steelyard-proxy/steelyard/proxy/strict"
)

// shape is how a stream of messages is delimited.
type shape uint8

const (
	noEvents    shape = iota
	serverSent        // text/event-stream: an event ends with a blank line
	jsonPerLine       // newline-delimited JSON
)

// events follows a stream far enough to end it with a well-formed error when
// the endpoint cuts it short.
type events struct {
	shape shape
	tail  [4]byte // the last bytes of the stream
	n     int     // how many of them there are
}

// begin looks at an answer's head. Only a body without announced length can
// take one event more, and only an uncompressed one takes it as text.
func (e *events) begin(a *strict.Answer, open bool) {
	*e = events{}
	if !open {
		return
	}
	for i := range a.Fields {
		switch f := &a.Fields[i]; f.Kind {
		case strict.ContentType:
			e.shape = shapeOf(f.Value)
		case strict.ContentEncoding:
			if !strict.EqualFold(f.Value, "identity") {
				e.shape = noEvents
				return
			}
		}
	}
}

func shapeOf(contentType []byte) shape {
	media, _, _ := bytes.Cut(contentType, []byte{';'})
	media = bytes.TrimSpace(media)
	if strict.EqualFold(media, "text/event-stream") {
		return serverSent
	}
	for _, name := range [...]string{"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"} {
		if strict.EqualFold(media, name) {
			return jsonPerLine
		}
	}
	return noEvents
}

// see takes note of a piece of the body.
func (e *events) see(piece []byte) {
	if e.shape == noEvents {
		return
	}
	if len(piece) >= len(e.tail) {
		e.n = copy(e.tail[:], piece[len(piece)-len(e.tail):])
		return
	}
	keep := min(e.n, len(e.tail)-len(piece))
	copy(e.tail[:], e.tail[e.n-keep:e.n])
	e.n = keep + copy(e.tail[keep:], piece)
}

// failure is what to append to the stream so that its reader learns of p, or nil where
// nothing can be said. An event that the cut has left open is closed first.
func (e *events) failure(a api, p problem) []byte {
	tail := e.tail[:e.n]
	switch e.shape {
	case serverSent:
		var b []byte
		if e.n > 0 && !bytes.HasSuffix(tail, []byte("\n\n")) && !bytes.HasSuffix(tail, []byte("\r\n\r\n")) {
			b = append(b, "\n\n"...)
		}
		return append(b, a.event(p)...)
	case jsonPerLine:
		var b []byte
		if e.n > 0 && tail[e.n-1] != '\n' {
			b = append(b, '\n')
		}
		return append(append(b, a.body(p)...), '\n')
	}
	return nil
}
