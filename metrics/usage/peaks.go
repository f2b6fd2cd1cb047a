// The hours of the week in which most, and least, is asked.

package usage

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

const (
	peakFrom    = 2.0 // times the median of the hours
	valleyBelow = 0.3
	// weekLeast is how long must have been watched, so that each hour of the week was seen.
	weekLeast = 7 * 24 * time.Hour
)

// Peak is a stretch of hours that comes again on some days of the week.
type Peak struct {
	Upstream string  `json:"upstream"`
	Text     string  `json:"text"`  // such as "weekdays 9:00 to 12:00 UTC, 3.1 times the median"
	Ratio    float64 `json:"ratio"` // of its requests to the median of all hours
}

// peaks are the hours of much more and of much less than usual, by upstream.
func (s *Series) peaks(now time.Time) (list []Peak) {
	if now.Sub(s.Since) < weekLeast {
		return nil
	}
	for _, upstream := range s.Upstreams() {
		week := s.Week[upstream]
		if week == nil {
			continue
		}
		median := medianHour(week)
		if median == 0 {
			continue
		}
		for _, isPeak := range []bool{true, false} {
			for _, text := range stretches(week, median, isPeak) {
				text.Upstream = upstream
				list = append(list, text)
			}
		}
	}
	return list
}

func medianHour(week []Counts) float64 {
	all := make([]uint64, len(week))
	for i := range week {
		all[i] = week[i].Requests
	}
	slices.Sort(all)
	return float64(all[len(all)/2-1]+all[len(all)/2]) / 2
}

// stretch is some hours of one day.
type stretch struct{ from, to int }

// stretches are the peaks, or the valleys, of a week; those of the same hours on several days are one.
func stretches(week []Counts, median float64, peaks bool) (list []Peak) {
	days := map[stretch][]int{}
	for day := range 7 {
		for hour := 0; hour < 24; hour++ {
			from := hour
			for ; hour < 24; hour++ {
				ratio := float64(week[24*day+hour].Requests) / median
				if is := ratio >= peakFrom; peaks && !is || !peaks && ratio > valleyBelow {
					break
				}
			}
			if hour > from {
				days[stretch{from, hour}] = append(days[stretch{from, hour}], day)
			}
		}
	}
	for hours, on := range days {
		sum := 0.0
		for _, day := range on {
			for hour := hours.from; hour < hours.to; hour++ {
				sum += float64(week[24*day+hour].Requests)
			}
		}
		ratio := sum / float64(len(on)*(hours.to-hours.from)) / median
		list = append(list, Peak{Ratio: ratio, Text: fmt.Sprintf("%s %d:00 to %d:00 UTC, %.1f times the median", dayNames(on), hours.from, hours.to, ratio)})
	}
	slices.SortFunc(list, func(a, b Peak) int { return cmp.Compare(a.Text, b.Text) })
	return list
}

// dayNames says which days of the week these are, 0 for Monday.
func dayNames(days []int) string {
	switch {
	case slices.Equal(days, []int{0, 1, 2, 3, 4, 5, 6}):
		return "every day"
	case slices.Equal(days, []int{0, 1, 2, 3, 4}):
		return "weekdays"
	case slices.Equal(days, []int{5, 6}):
		return "weekends"
	}
	text := ""
	for i, day := range days {
		if i > 0 {
			text += ", "
		}
		text += time.Weekday((day + 1) % 7).String()
	}
	return text
}
