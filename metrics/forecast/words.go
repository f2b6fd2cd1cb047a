// Peaks and valleys in words.

package forecast

import (
	"fmt"
	"math"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/stats"
)

const (
	// peakOver and valleyUnder are what a time of day must have of the middle of all to be told.
	peakOver, valleyUnder = 1.5, 0.5
	// shortest is how long a peak or a valley must be.
	shortest = 30 * time.Minute
	// wordsAfter is the history that it takes to tell workdays from weekends.
	wordsAfter = 7 * 24 * time.Hour
)

// days are the kinds of days that are told apart.
type days struct {
	name string
	has  func(time.Weekday) bool
}

var (
	everyDay = []days{{"every day", func(time.Weekday) bool { return true }}}
	twoKinds = []days{
		{"weekdays", func(d time.Weekday) bool { return d != time.Saturday && d != time.Sunday }},
		{"weekends", func(d time.Weekday) bool { return d == time.Saturday || d == time.Sunday }},
	}
)

// words are the peaks and valleys, such as "weekdays 9:05 to 11:40, 3.1 times the median".
func (s *Series) words() (list []string) {
	if !s.Known() {
		return nil
	}
	all := make([]float64, 0, s.ring.length())
	for step := s.ring.next - s.ring.length(); step < s.ring.next; step++ {
		if y := s.ring.at(step); !math.IsNaN(y) {
			all = append(all, y)
		}
	}
	middle := stats.Median(all)
	if !(middle > 0) {
		return nil
	}
	kinds := everyDay
	if time.Duration(s.ring.length())*s.options.Step >= wordsAfter {
		kinds = twoKinds
	}
	for _, kind := range kinds {
		usual := s.usualDay(kind)
		list = append(list, s.runs(kind.name, usual, func(y float64) bool { return y > peakOver*middle }, middle)...)
		list = append(list, s.runs(kind.name, usual, func(y float64) bool { return y < valleyUnder*middle }, middle)...)
	}
	return list
}

// usualDay is the middle of each slot on one kind of days, smoothed over a quarter of an hour or so.
func (s *Series) usualDay(kind days) []float64 {
	slots := make([][]float64, s.calendar.perDay)
	for step := s.ring.next - s.ring.length(); step < s.ring.next; step++ {
		if y := s.ring.at(step); !math.IsNaN(y) && kind.has(s.calendar.starts(step).Weekday()) {
			slot := s.calendar.slot(step)
			slots[slot] = append(slots[slot], y)
		}
	}
	usual := make([]float64, len(slots))
	near := int(around / s.options.Step)
	for slot := range slots {
		var values []float64
		for d := -near; d <= near; d++ {
			values = append(values, slots[(slot+d+len(slots))%len(slots)]...)
		}
		if usual[slot] = math.NaN(); len(values) > 0 {
			usual[slot] = stats.Median(values)
		}
	}
	return usual
}

// runs are the times of day that a condition holds, one after the other; a run over midnight is one.
func (s *Series) runs(kind string, usual []float64, is func(float64) bool, middle float64) (list []string) {
	n := len(usual)
	start := 0
	for start < n && is(usual[start]) {
		start++ // begin outside of a run
	}
	if start == n {
		return nil
	}
	for i := 0; i < n; {
		at, length, sum := (start+i)%n, 0, 0.0
		for length < n && is(usual[(at+length)%n]) {
			sum += usual[(at+length)%n]
			length++
		}
		if time.Duration(length)*s.options.Step >= shortest {
			list = append(list, fmt.Sprintf("%s %s to %s, %.2g times the median", kind, s.clock(at), s.clock((at+length)%n), sum/float64(length)/middle))
		}
		i += length + 1
	}
	return list
}

func (s *Series) clock(slot int) string {
	at := time.Duration(slot) * s.options.Step
	return fmt.Sprintf("%d:%02d", int(at/time.Hour), int(at%time.Hour/time.Minute))
}
