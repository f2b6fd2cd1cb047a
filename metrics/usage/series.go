// Use over time: by minute, by hour, by the hours of the week, and the length of prompts by week.

package usage

import (
	"maps"
	"slices"
	"time"
)

const (
	minutesKept = 48 * 60
	hoursKept   = 90 * 24
	hoursOfWeek = 7 * 24
	weeksKept   = 13
)

// Span is the use of one upstream in one minute, or one hour.
type Span struct {
	At       int64 // when it began, in seconds since 1970
	Requests uint32
	Errors   uint32
	Aborts   uint32
	Retries  uint32
	Tokens   uint64  // of prompts and answers
	Service  float64 // seconds
	Work     float64 // as it was predicted, in requests of mean work
}

// Time is when the span began.
func (s *Span) Time() time.Time { return time.Unix(s.At, 0).UTC() }

// ring has a place for each of the last spans; one may hold a span of an earlier round.
type ring []Span

// place is that of the span of so many seconds in which a moment lies.
func (g ring) place(at, seconds int64) (*Span, int64) {
	number := at / seconds
	n := int64(len(g))
	return &g[(number%n+n)%n], number * seconds
}

func (g ring) add(r *Row, at time.Time, seconds int64) {
	s, begin := g.place(at.Unix(), seconds)
	if s.At != begin {
		*s = Span{At: begin}
	}
	s.Requests++
	s.Tokens += natural(r.PromptTokens) + natural(r.CompletionTokens)
	s.Service += max(r.Service.Seconds(), 0)
	s.Work += max(r.Work, 0)
	if r.Failed() {
		s.Errors++
	}
	if r.Aborted() {
		s.Aborts++
	}
	if r.Retry > 0 {
		s.Retries++
	}
}

// between are the spans that began after from and not after to, oldest first; those without a request are left out.
func (g ring) between(from, to time.Time, seconds int64) (list []Span) {
	if len(g) == 0 {
		return nil
	}
	first := max(from.Unix(), to.Unix()-int64(len(g))*seconds)
	for at := (first/seconds + 1) * seconds; at <= to.Unix(); at += seconds {
		if s, begin := g.place(at, seconds); s.At == begin && s.Requests > 0 {
			list = append(list, *s)
		}
	}
	return list
}

// spans adds to the ring of an upstream, of which there are no more than a configuration has.
func spans(all map[string]ring, upstream string, length int) ring {
	g := all[upstream]
	if g == nil && len(all) < mostServed {
		g = make(ring, length)
		all[upstream] = g
	}
	return g
}

// Hour is all use in one hour.
type Hour struct {
	At time.Time
	Use
	Users uint64 // how many different ones, about
}

// Series is use over time.
type Series struct {
	Minutes map[string]ring     // by upstream, of the last two days
	Hourly  map[string]ring     // by upstream, of the last 90 days
	Hours   []*Hour             // oldest first
	Seen    Distinct            // the users of the last hour
	Week    map[string][]Counts // by upstream: of each hour of the week, Monday 0:00 UTC first
	Prompts map[Served][]Prompts
	Since   time.Time // of the first request
}

// Prompts is how long prompts were in one week.
type Prompts struct {
	Week   int64 // since 1970
	Length Sketch
}

func newSeries() Series {
	return Series{Minutes: map[string]ring{}, Hourly: map[string]ring{}, Week: map[string][]Counts{}, Prompts: map[Served][]Prompts{}}
}

func (s *Series) add(r *Row, at time.Time, m *marks) {
	if s.Since.IsZero() || at.Before(s.Since) {
		s.Since = at
	}
	if g := spans(s.Minutes, r.Upstream, minutesKept); g != nil {
		g.add(r, at, 60)
	}
	if g := spans(s.Hourly, r.Upstream, hoursKept); g != nil {
		g.add(r, at, 3600)
	}
	s.addHour(r, at, m)
	s.addWeek(r, at)
	s.addPrompt(r, at)
}

// addHour adds to the hour in which the request ended, even where the clock has been set back since.
func (s *Series) addHour(r *Row, at time.Time, m *marks) {
	at = at.UTC().Truncate(time.Hour)
	i := len(s.Hours) - 1
	for i >= 0 && !s.Hours[i].At.Equal(at) {
		i--
	}
	if i < 0 {
		s.Hours = append(s.Hours, &Hour{At: at})
		s.Hours = s.Hours[max(0, len(s.Hours)-hoursKept):]
		s.Seen, i = Distinct{}, len(s.Hours)-1
	}
	s.Hours[i].add(r, m)
	if r.User != "" && i == len(s.Hours)-1 && s.Seen.add(r.User) {
		s.Hours[i].Users = s.Seen.count()
	}
}

func (s *Series) addWeek(r *Row, at time.Time) {
	week := s.Week[r.Upstream]
	if week == nil {
		if len(s.Week) >= mostServed {
			return
		}
		week = make([]Counts, hoursOfWeek)
		s.Week[r.Upstream] = week
	}
	week[hourOfWeek(at)].add(r)
}

// hourOfWeek is 0 on Monday from 0:00 to 1:00, UTC.
func hourOfWeek(at time.Time) int {
	at = at.UTC()
	return (int(at.Weekday())+6)%7*24 + at.Hour()
}

// weekOf is the number of the week, which begins on Monday: 1970 began on a Thursday.
func weekOf(at time.Time) int64 {
	const days = 3
	return (at.Unix() + days*24*3600) / (7 * 24 * 3600)
}

func (s *Series) addPrompt(r *Row, at time.Time) {
	length := r.PromptTokens
	if length <= 0 {
		return // bytes and tokens must not be mixed
	}
	of := Served{r.Upstream, r.Model}
	weeks := s.Prompts[of]
	if weeks == nil && len(s.Prompts) >= mostServed {
		return
	}
	week := weekOf(at)
	i := slices.IndexFunc(weeks, func(p Prompts) bool { return p.Week == week })
	if i < 0 {
		weeks = append(weeks, Prompts{Week: week})
		weeks = weeks[max(0, len(weeks)-weeksKept):]
		i = len(weeks) - 1
	}
	s.Prompts[of] = weeks
	weeks[i].Length.Add(float64(length))
}

// Upstreams are those that have been asked, by name.
func (s *Series) Upstreams() []string { return slices.Sorted(maps.Keys(s.Minutes)) }
