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
	note    func(elapsed time.Duration) string // a line of what else there is to see; nil: none
	traffic *traffic                           // nil without load
	screen  *screen                            // nil where the output is no terminal
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
			if s.screen == nil && s.traffic != nil {
				fmt.Fprintln(s.out, s.traffic.line())
			}
			return nil
		case now = <-ticks.C:
		}
	}
}

func (s *show) draw(elapsed time.Duration, rows []row, perSecond float64) {
	note := ""
	if s.note != nil {
		note = s.note(elapsed)
	}
	if s.screen == nil {
		line := plain(elapsed, rows, perSecond)
		if note != "" {
			line += " | " + note
		}
		fmt.Fprintln(s.out, line)
		return
	}
	lines := append([]string{""}, table(rows, perSecond)...)
	if note != "" {
		lines = append(lines, "", note)
	}
	if s.traffic != nil {
		lines = append(lines, "", s.traffic.line())
	}
	if latest := s.news.latest(); latest != nil {
		lines = append(append(lines, "", "Gateway's log:"), latest...)
	}
	s.screen.draw(lines)
}
