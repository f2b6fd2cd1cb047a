// The picture that the demo shows each second.

package demo

import (
	"context"
	"fmt"
	"io"
	"time"
)

// show is the picture, drawn anew each second.
type show struct {
	read    func(now time.Time) ([]reading, error)
	traffic *traffic // nil without load
	screen  *screen  // nil where the output is no terminal
	news    *news
	out     io.Writer // for plain lines
	window  window
}

// run draws until ctx ends.
func (s *show) run(ctx context.Context) error {
	began := time.Now()
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	for now := began; ; {
		readings, err := s.read(now)
		if err != nil {
			return err
		}
		rows, perSecond := s.window.add(now, readings)
		s.draw(now.Sub(began), rows, perSecond)
		select {
		case <-ctx.Done():
			return nil
		case now = <-ticks.C:
		}
	}
}

func (s *show) draw(elapsed time.Duration, rows []row, perSecond float64) {
	if s.screen == nil {
		fmt.Fprintln(s.out, plain(elapsed, rows, perSecond))
		return
	}
	lines := append([]string{""}, table(rows, perSecond)...)
	if s.traffic != nil {
		lines = append(lines, "", s.traffic.line())
	}
	if latest := s.news.latest(); latest != nil {
		lines = append(append(lines, "", "Gateway's log:"), latest...)
	}
	s.screen.draw(lines)
}
