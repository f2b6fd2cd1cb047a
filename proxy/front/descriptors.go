// Accepting clients only while there are file descriptors for them.

package front

import "time"

const (
	// fullPause is how long the listener waits before it looks again for free descriptors.
	fullPause = 10 * time.Millisecond
	// newcomerTime is how long a client is safe from being closed for others after it was
	// accepted, though it has sent no request: it had to wait for its place too.
	newcomerTime = time.Second
)

// awaitRoom waits, before a client is accepted, until it is certain that there is a
// descriptor for it and one more for its server. Until then clients wait in the queue
// of the kernel. Those that are here already make room: whoever has sent nothing, or half a
// head, for newcomerTime is closed. Where all have sent their requests, answers end their
// connections.
func (s *Server) awaitRoom() {
	for s.descriptorsUsed() && !s.stopping.Load() {
		if s.closeIdle(1, newcomerTime) == 0 && s.room.heads.Load() == 0 {
			s.crowded.Store(true)
		}
		time.Sleep(fullPause)
	}
	s.crowded.Store(false)
}

// descriptorsUsed says whether all descriptors for connections are in use.
func (s *Server) descriptorsUsed() bool {
	return s.Descriptors > 0 && s.open.Load()+s.refused.Load() >= int64(s.Descriptors)
}
