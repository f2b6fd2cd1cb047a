package front

import "time"

const (
	// fullPause is how long the listener waits before it looks again for a client that has gone.
	fullPause = 10 * time.Millisecond
	// newcomerTime is for how long a client may not have sent its request, and still not be
	// closed for others: it has waited to be accepted itself.
	newcomerTime = time.Second
)

// awaitRoom waits, before a client is accepted, until it is certain that there is a
// descriptor for it and one more for its server. Until then clients wait in the queue
// of the kernel. Those that are here already make room: answers end their connections,
// and idle ones are closed.
func (s *Server) awaitRoom() {
	for s.descriptorsUsed() && !s.stopping.Load() {
		s.crowded.Store(true)
		s.closeIdle(1, newcomerTime)
		time.Sleep(fullPause)
	}
	s.crowded.Store(false)
}

// descriptorsUsed says whether there are as many connections as there are descriptors for.
func (s *Server) descriptorsUsed() bool {
	return s.Descriptors > 0 && s.open.Load()+s.refused.Load() >= int64(s.Descriptors)
}
