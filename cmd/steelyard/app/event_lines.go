// A line of the log for each event, without a flood of them.

package app

import (
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// The log has this many lines of an upstream's events at once, and then one in each
// lineEvery: a fleet that loses its network, or an endpoint that comes and goes, needs no more.
const (
	linesAtOnce = 20
	lineEvery   = 3 * time.Second
)

// eventLines writes a line for each event.
type eventLines struct {
	log *zap.Logger

	mu     sync.Mutex
	quotas map[string]*lineQuota // by upstream, "" among them; guarded by mu
}

// lineQuota is how many lines may still be written.
type lineQuota struct {
	lines   float64   // that may still come at once
	at      time.Time // when lines was computed
	leftOut int       // since the last line
}

func newEventLines(log *zap.Logger) *eventLines {
	return &eventLines{log: log, quotas: map[string]*lineQuota{}}
}

// told hears of each event.
func (l *eventLines) told(e event.Event) {
	if hasLine(e.Kind) {
		return
	}
	leftOut, ok := l.take(e.Upstream)
	if !ok {
		return
	}
	fields := []zap.Field{zap.Stringer("event", e.Kind)}
	text := func(key, value string) {
		if value != "" {
			fields = append(fields, zap.String(key, value))
		}
	}
	text("upstream", e.Upstream)
	text("endpoint", e.Endpoint)
	text("cause", e.Cause)
	text("action", e.Action)
	if len(e.Evidence) > 0 {
		fields = append(fields, zap.Any("evidence", e.Evidence))
	}
	if leftOut > 0 {
		fields = append(fields, zap.Int("lines_left_out", leftOut))
	}
	write := l.log.Info
	switch e.Kind.Severity() {
	case event.Warning:
		write = l.log.Warn
	case event.Critical:
		write = l.log.Error
	}
	write(e.Kind.Says(), fields...)
}

// hasLine says whether whoever made such an event has written a line about it, with more in it.
func hasLine(k event.Kind) bool {
	switch k {
	case event.ProbeFailed, event.ProbePassed, // the prober
		event.Draining, event.Undrained, event.Silenced, // the admin listener, with the client
		event.Reloaded, event.ReloadRefused:
		return true
	}
	return false
}

// take reports whether one more line may be written of an upstream, and how many were left
// out since the last.
func (l *eventLines) take(upstream string) (leftOut int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q, now := l.quotas[upstream], time.Now()
	if q == nil {
		q = &lineQuota{lines: linesAtOnce, at: now}
		l.quotas[upstream] = q
	}
	q.lines = min(q.lines+now.Sub(q.at).Seconds()/lineEvery.Seconds(), linesAtOnce)
	q.at = now
	if q.lines < 1 {
		q.leftOut++
		return 0, false
	}
	q.lines--
	leftOut, q.leftOut = q.leftOut, 0
	return leftOut, true
}
