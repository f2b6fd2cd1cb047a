// Logging what a pool does of itself, without a flood of lines.

package app

import (
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// The log has this many lines of an upstream's transitions at once, and then one in each
// lineEvery: a fleet that loses its network, or an endpoint that comes and goes, needs no more.
const (
	linesAtOnce = 20
	lineEvery   = 3 * time.Second
)

// transitionLog logs what a pool does of itself: it passes over endpoints that cannot be
// reached, and uses them all the same if too few are left. Probes and operators log their own
// changes.
type transitionLog struct {
	log *zap.Logger

	mu      sync.Mutex // guards what follows
	lines   float64    // that may still come at once
	at      time.Time  // when lines was computed
	leftOut int        // since the last line
}

func newTransitionLog(log *zap.Logger, upstream string) *transitionLog {
	return &transitionLog{log: log.With(zap.String("upstream", upstream)), lines: linesAtOnce}
}

// told is a pool's Notify.
func (l *transitionLog) told(t balancer.Transition) {
	write, message := l.log.Warn, messageOf(t)
	if message == "" {
		return
	}
	leftOut, ok := l.take()
	if !ok {
		return
	}
	var fields []zap.Field
	if t.Endpoint != "" {
		fields = append(fields, zap.String("endpoint", t.Endpoint))
	}
	if !t.On {
		write = l.log.Info
		fields = append(fields, zap.Duration("after", t.After))
	}
	if leftOut > 0 {
		fields = append(fields, zap.Int("lines_left_out", leftOut))
	}
	write(message, fields...)
}

// messageOf is the message for a transition; "" if somebody else logs it.
func messageOf(t balancer.Transition) string {
	switch {
	case t.Condition == balancer.Unreachable && t.On:
		return "endpoint cannot be reached: connections to it fail; others get its requests"
	case t.Condition == balancer.Unreachable:
		return "endpoint can be reached again"
	case t.Panic == balancer.IgnoresOutages && t.On:
		return "no endpoint can be reached: requests go to all of them as if nothing were known"
	case t.Panic == balancer.IgnoresOutages:
		return "requests no longer go to endpoints that cannot be reached"
	case t.Panic == balancer.IgnoresEjections && t.On:
		return "too few endpoints are left: those that are ejected get requests all the same"
	case t.Panic == balancer.IgnoresEjections:
		return "enough endpoints are left: those that are ejected get no more requests"
	}
	return ""
}

// take reports whether one more line may be written, and how many were left out since the last.
func (l *transitionLog) take() (leftOut int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.lines = min(l.lines+now.Sub(l.at).Seconds()/lineEvery.Seconds(), linesAtOnce)
	l.at = now
	if l.lines < 1 {
		l.leftOut++
		return 0, false
	}
	l.lines--
	leftOut, l.leftOut = l.leftOut, 0
	return leftOut, true
}
