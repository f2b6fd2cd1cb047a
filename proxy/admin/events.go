// The route that shows what happened: as a list, or as it happens.

package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// Bounds on streams of events.
const (
	maxFollowers = 16               // connections that follow, of maxConns
	keepAlive    = 15 * time.Second // a comment this often, so that nobody takes the line for dead
	eventTimeout = 10 * time.Second // for a follower to take what is sent
	eventRetry   = 2 * time.Second  // until a browser comes back after the stream has ended
)

type eventsAnswer struct {
	Events []event.Event `json:"events"` // oldest first
	Missed uint64        `json:"missed"` // that came after the one asked for and are no longer kept
}

// getEvents answers with the events that are kept, or follows them for a client that accepts
// server-sent events. A client that has seen some gets only those that came later.
func (s *Server) getEvents(w http.ResponseWriter, r *http.Request) {
	after, err := eventsAfter(r)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	w.Header().Set("Vary", "Accept")
	if wantsStream(r) {
		s.followEvents(w, r, after)
		return
	}
	events, missed := s.events.Since(after)
	answer(w, http.StatusOK, eventsAnswer{append([]event.Event{}, events...), missed})
}

// eventsAfter is the ID of the last event that the client has seen; 0 if it has seen none. What a
// browser remembers counts for more than the address that it began with.
func eventsAfter(r *http.Request) (uint64, error) {
	if id, err := strconv.ParseUint(r.Header.Get("Last-Event-ID"), 10, 64); err == nil {
		return id, nil
	}
	text := r.URL.Query().Get("after")
	if text == "" {
		return 0, nil
	}
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("after=%q: give the id of an event, or nothing for all that are kept", text)
	}
	return id, nil
}

func wantsStream(r *http.Request) bool {
	for _, value := range r.Header.Values("Accept") {
		for kind := range strings.SplitSeq(value, ",") {
			name, weight, _ := strings.Cut(kind, ";")
			if strings.EqualFold(strings.TrimSpace(name), "text/event-stream") && !refused(weight) {
				return true
			}
		}
	}
	return false
}

// refused says whether the parameters of a kind in Accept have q=0: anything but that.
func refused(parameters string) bool {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		if q, err := strconv.ParseFloat(value, 64); strings.EqualFold(name, "q") && err == nil && q == 0 {
			return true
		}
	}
	return false
}

// followEvents sends events as they come until the client leaves, takes too long, or the server stops.
func (s *Server) followEvents(w http.ResponseWriter, r *http.Request, after uint64) {
	select {
	case s.followers <- struct{}{}:
		defer func() { <-s.followers }()
	default:
		w.Header().Set("Retry-After", "10")
		fail(w, http.StatusServiceUnavailable, fmt.Sprintf("%d clients follow the events already: close one, or ask without Accept: text/event-stream", maxFollowers))
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // an nginx in between must pass it on at once
	if r.Method == http.MethodHead {
		return
	}
	out := eventStream{w: w, control: http.NewResponseController(w)}
	_ = out.control.SetReadDeadline(time.Time{}) // the server's own would end the stream
	f := s.events.Follow(after)
	defer f.Close()
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	fmt.Fprintf(&out.text, "retry: %d\n\n", eventRetry.Milliseconds())
	for out.send() {
		select {
		case <-f.News():
			out.add(f.Take())
		case <-tick.C:
			out.text.WriteString(": keepalive\n\n")
		case <-r.Context().Done():
			return
		case <-s.stopping:
			return
		}
	}
}

// eventStream writes server-sent events.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	text    strings.Builder // not sent yet
}

// add puts events into the text. They have no name in the stream, so that a browser's
// onmessage gets them all.
func (o *eventStream) add(events []event.Event, missed uint64) {
	if missed > 0 {
		fmt.Fprintf(&o.text, "event: missed\ndata: {\"missed\":%d}\n\n", missed)
	}
	for _, e := range events {
		data, err := json.Marshal(e)
		if err != nil {
			continue // an event can always be written
		}
		fmt.Fprintf(&o.text, "id: %d\ndata: %s\n\n", e.ID, data)
	}
}

// send reports whether the client took the text.
func (o *eventStream) send() bool {
	_ = o.control.SetWriteDeadline(time.Now().Add(eventTimeout))
	_, err := o.w.Write([]byte(o.text.String()))
	o.text.Reset()
	return err == nil && o.control.Flush() == nil
}
