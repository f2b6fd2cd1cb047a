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

func (g ring) add(l *lane, seconds int64) {
	if g == nil {
		return
	}
	s, begin := g.place(l.minute*60, seconds)
	if s.At != begin {
		*s = Span{At: begin}
	}
	s.Requests += uint32(l.counts.Requests)
	s.Errors += uint32(l.counts.Errors)
	s.Aborts += uint32(l.counts.Aborts)
	s.Retries += uint32(l.counts.Retries)
	s.Tokens += l.counts.PromptTokens + l.counts.CompletionTokens
	s.Service += l.counts.Service
	s.Work += l.work
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

// spans is the ring of an upstream; nil where there are more than a configuration has.
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

// add adds a lane, but for what it has added to its hour.
func (s *Series) add(l *lane) {
	if s.Since.IsZero() || l.from.Before(s.Since) {
		s.Since = l.from
	}
	spans(s.Minutes, l.Upstream, minutesKept).add(l, 60)
	spans(s.Hourly, l.Upstream, hoursKept).add(l, 3600)
	s.addWeek(l)
}

// addHour adds to the hour in which the request ended.
func (s *Series) addHour(r *Row, at time.Time, m *marks) {
	h, c := s.hour(at), r.counts()
	h.add(&c, m)
	if r.User != "" {
		s.saw(h, &User{ID: r.User})
	}
}

// saw counts a user among those of an hour, if that is the last one.
func (s *Series) saw(h *Hour, u *User) {
	if u.hour == h || h != s.Hours[len(s.Hours)-1] {
		return
	}
	u.hour = h
	if s.Seen.add(u.ID) {
		h.Users = s.Seen.count()
	}
}

// hour is the one that a moment lies in, even where the clock has been set back since.
func (s *Series) hour(at time.Time) *Hour {
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
	return s.Hours[i]
}

func (s *Series) addWeek(l *lane) {
	week := s.Week[l.Upstream]
	if week == nil {
		if len(s.Week) >= mostServed {
			return
		}
		week = make([]Counts, hoursOfWeek)
		s.Week[l.Upstream] = week
	}
	week[hourOfWeek(l.from)].merge(&l.counts)
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
