// The last bytes of a stream, so that an error can be put behind them.

package proxy

import (
	"bytes"

	"github.com/steelyard-proxy/steelyard/proxy/strict"
)

// stream is how the messages of a stream are told apart.
type stream uint8

const (
	noStream    stream = iota
	serverSent         // text/event-stream: an event ends with a blank line
	jsonPerLine        // newline-delimited JSON
)

// tail is the end of a stream so far. It is known well enough to end the stream with a
// well-formed error when the endpoint cuts it short.
type tail struct {
	stream stream
	last   [4]byte // the last bytes
	n      int     // how many of them there are
}

// begin looks at an answer's head. Only a body without announced length can
// take one event more, and only an uncompressed one takes it as text.
func (t *tail) begin(a *strict.Answer, open bool) {
	*t = tail{}
	if !open {
		return
	}
	for i := range a.Fields {
		switch f := &a.Fields[i]; f.Kind {
		case strict.ContentType:
			t.stream = streamOf(f.Value)
		case strict.ContentEncoding:
			if !strict.EqualFold(f.Value, "identity") {
				t.stream = noStream
				return
			}
		}
	}
}

func streamOf(contentType []byte) stream {
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
	return noStream
}

// see takes note of a piece of the body.
func (t *tail) see(piece []byte) {
	if t.stream == noStream {
		return
	}
	if len(piece) >= len(t.last) {
		t.n = copy(t.last[:], piece[len(piece)-len(t.last):])
		return
	}
	keep := min(t.n, len(t.last)-len(piece))
	copy(t.last[:], t.last[t.n-keep:t.n])
	t.n = keep + copy(t.last[keep:], piece)
}

// failure is what to append to the stream so that its reader learns of p, or nil where
// nothing can be said. An event that the cut has left open is closed first.
func (t *tail) failure(a api, p problem) []byte {
	last := t.last[:t.n]
	switch t.stream {
	case serverSent:
		var b []byte
		if t.n > 0 && !bytes.HasSuffix(last, []byte("\n\n")) && !bytes.HasSuffix(last, []byte("\r\n\r\n")) {
			b = append(b, "\n\n"...)
		}
		return append(b, a.event(p)...)
	case jsonPerLine:
		var b []byte
		if t.n > 0 && last[t.n-1] != '\n' {
			b = append(b, '\n')
		}
		return append(append(b, a.body(p)...), '\n')
	}
	return nil
}
