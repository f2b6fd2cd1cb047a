// Answers token by token, as server-sent events.

package backend

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
)

var doneEvent = []byte("data: [DONE]\n\n")

// stream sends the answer of a job that has begun, token by token as server-sent events. The header
// goes out at once, before there is a token.
func (s *Server) stream(ctx context.Context, w http.ResponseWriter, j *job, a *answer) error {
	out := startEvents(w)
	if err := out.Flush(); err != nil {
		return err
	}
	head, tail := a.frame()
	var buffer []byte
	for k := range j.tokens {
		kind, err := s.token(ctx, j, k+1)
		if err != nil {
			return err
		}
		if cut := brokenHalfWay(kind); cut != nil && k >= j.tokens/2 {
			_ = out.Flush() // the next line ends the connection either way
			return cut
		}
		buffer = appendEvent(buffer[:0], head, a.deltas[k%len(a.deltas)], tail)
		if _, err := w.Write(buffer); err != nil {
			return err
		}
		if j.made.Load() > int64(k+1) || j.done() {
			continue // it leaves together with what follows
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	buffer = appendEvent(buffer[:0], head, encode(a.api.delta("", a.finish)), tail)
	if a.withUsage {
		a.envelope.Choices = []any{}
		a.envelope.Usage = a.usage
		buffer = appendEvent(buffer, encode(a.envelope))
	}
	_, err := w.Write(append(buffer, doneEvent...))
	return err
}

// frame is the JSON around a chunk's one choice. Where usage was asked for,
// every chunk before the last carries it as null.
func (a *answer) frame() (head, tail []byte) {
	e := a.envelope
	e.Object = a.api.chunkObject
	e.Choices = []any{}
	if a.withUsage {
		e.Usage = json.RawMessage("null")
	}
	a.envelope = e
	hole := []byte(`"choices":[`)
	whole := encode(e)
	at := bytes.LastIndex(whole, hole) + len(hole)
	return whole[:at:at], whole[at:]
}

// answerErrorEvent is how engines report a failure after the header went out.
func (s *Server) answerErrorEvent(w http.ResponseWriter) error {
	startEvents(w)
	event := appendEvent(nil, encode(engineFailure().body()))
	if _, err := w.Write(append(event, doneEvent...)); err != nil {
		return err
	}
	return errInBand
}

func startEvents(w http.ResponseWriter) *http.ResponseController {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusOK)
	return http.NewResponseController(w)
}

func appendEvent(buffer []byte, data ...[]byte) []byte {
	buffer = append(buffer, "data: "...)
	for _, part := range data {
		buffer = append(buffer, part...)
	}
	return append(buffer, '\n', '\n')
}
