// Snapshots for all who watch: made once a second, while somebody does.

package admin

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Bounds on who watches.
const (
	maxViewers     = 64              // connections that watch, of maxConns
	snapshotEvery  = time.Second     // between two snapshots
	snapshotFresh  = time.Second     // one that is younger is not made anew
	viewerTimeout  = 5 * time.Second // for a viewer to take one; then it is dropped
	viewerRetry    = 2 * time.Second // until a browser comes back after the stream has ended
	eventStreamTyp = "text/event-stream"
)

// viewers are all who watch. They share one snapshot, encoded once.
type viewers struct {
	take func(now time.Time) ([]byte, error) // a snapshot as JSON

	making sync.Mutex // held while a snapshot is made, so that one is made for all who ask at once
	mu     sync.Mutex // guards what follows; held for a few copies only
	slots  map[chan []byte]struct{}
	last   []byte // as JSON
	at     time.Time
	ending chan struct{} // closed when nobody watches any more; nil while nobody does
}

// join adds a viewer, whose slot holds the newest snapshot that it has not taken: latest wins.
func (v *viewers) join() (slot chan []byte, joined bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.slots) >= maxViewers {
		return nil, false
	}
	slot = make(chan []byte, 1)
	v.slots[slot] = struct{}{}
	if v.ending == nil {
		v.ending = make(chan struct{})
		go v.run(v.ending)
	}
	return slot, true
}

func (v *viewers) leave(slot chan []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.slots, slot)
	if len(v.slots) == 0 {
		close(v.ending)
		v.ending = nil
	}
}

// run makes snapshots until nobody watches.
func (v *viewers) run(ending chan struct{}) {
	ticker := time.NewTicker(snapshotEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ending:
			return
		case now := <-ticker.C:
			v.show(now)
		}
	}
}

// show makes a snapshot and puts it into every slot, in place of one that was not taken.
func (v *viewers) show(now time.Time) {
	v.making.Lock()
	defer v.making.Unlock()
	text, err := v.take(now)
	if err != nil {
		return // a snapshot can always be written; viewers see that their data grows old
	}
	frame := frameOf(text)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.last, v.at = text, now
	for slot := range v.slots {
		select {
		case <-slot:
		default:
		}
		slot <- frame // it is empty, and only we fill it, under making
	}
}

func frameOf(text []byte) []byte {
	return fmt.Appendf(make([]byte, 0, len(text)+16), "data: %s\n\n", text)
}

// fresh is a snapshot that is at most a second old.
func (v *viewers) fresh(now time.Time) ([]byte, error) {
	v.making.Lock()
	defer v.making.Unlock()
	v.mu.Lock()
	text, at := v.last, v.at
	v.mu.Unlock()
	if text != nil && now.Sub(at) < snapshotFresh {
		return text, nil
	}
	text, err := v.take(now)
	if err == nil {
		v.mu.Lock()
		v.last, v.at = text, now
		v.mu.Unlock()
	}
	return text, err
}

// outdated has the next snapshot made at once, as somebody has just changed what it shows.
func (v *viewers) outdated() {
	v.mu.Lock()
	v.at = time.Time{}
	watched := len(v.slots) > 0
	v.mu.Unlock()
	if watched {
		v.show(time.Now())
	}
}

// getSnapshot answers with a snapshot, or with one each second for a client that accepts server-sent events.
func (s *Server) getSnapshot(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", "Accept")
	if wantsStream(r) {
		s.showSnapshots(w, r)
		return
	}
	text, err := s.viewers.fresh(time.Now())
	if err != nil {
		fail(w, http.StatusInternalServerError, "write answer: "+err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text)
}

// showSnapshots sends snapshots until the viewer leaves, takes too long, or the server stops.
func (s *Server) showSnapshots(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Accel-Buffering", "no") // an nginx in between must pass it on at once
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", eventStreamTyp)
		return
	}
	slot, joined := s.viewers.join()
	if !joined {
		w.Header().Set("Retry-After", "10")
		fail(w, http.StatusServiceUnavailable, fmt.Sprintf("%d pages watch already: close one, or ask without Accept: text/event-stream", maxViewers))
		return
	}
	defer s.viewers.leave(slot)
	first, err := s.viewers.fresh(time.Now())
	if err != nil {
		fail(w, http.StatusInternalServerError, "write answer: "+err.Error())
		return
	}
	w.Header().Set("Content-Type", eventStreamTyp)
	out := viewer{w, http.NewResponseController(w)}
	_ = out.control.SetReadDeadline(time.Time{}) // the server's own would end the stream
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	going := out.send(fmt.Appendf(nil, "retry: %d\n\n", viewerRetry.Milliseconds())) && out.send(frameOf(first))
	for going {
		select {
		case frame := <-slot:
			going = out.send(frame)
		case <-alive.C:
			going = out.send([]byte(": keepalive\n\n"))
		case <-r.Context().Done():
			return
		case <-s.stopping:
			return
		}
	}
}

// viewer is the connection of one who watches.
type viewer struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// send reports whether the viewer took it in time.
func (v viewer) send(frame []byte) bool {
	_ = v.control.SetWriteDeadline(time.Now().Add(viewerTimeout))
	_, err := v.w.Write(frame)
	return err == nil && v.control.Flush() == nil
}
