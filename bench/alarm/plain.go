// Go's own timer, for fake time and other systems.

package alarm

import "time"

// plainTimer is one of Go's.
type plainTimer struct {
	timer  *time.Timer
	closed chan struct{} // closed by close
}

func newPlainTimer() *plainTimer {
	t := &plainTimer{timer: time.NewTimer(never), closed: make(chan struct{})}
	return t
}

func (t *plainTimer) set(wait time.Duration) { t.timer.Reset(wait) }

func (t *plainTimer) wait() bool {
	select {
	case <-t.timer.C:
		return true
	case <-t.closed:
		return false
	}
}

func (t *plainTimer) close() {
	t.timer.Stop()
	close(t.closed)
}
