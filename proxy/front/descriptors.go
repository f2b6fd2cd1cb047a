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

// awaitRoom waits until there is certainly a descriptor for one more client and one for
// its server. Until then new clients wait in the kernel's queue, and present ones make
// room: connections end with their answers, and idle ones are closed.
func (s *Server) awaitRoom() {
	for s.descriptorsUsed() && !s.stopping.Load() {
		s.crowded.Store(true)
		s.closeIdle(1, newcomerTime)
		time.Sleep(fullPause)
	}
	s.crowded.Store(false)
}

// descriptorsUsed says whether all descriptors for connections are in use.
func (s *Server) descriptorsUsed() bool {
	return s.Descriptors > 0 && s.open.Load()+s.refused.Load() >= int64(s.Descriptors)
}
