package forecast

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var monday = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)

// fill adds days of values by a rule of the local time.
func fill(s *Series, from time.Time, days int, y func(at time.Time) float64) time.Time {
	at := from
	for end := from.Add(time.Duration(days) * 24 * time.Hour); at.Before(end); at = at.Add(s.Step()) {
		s.Add(at, y(at))
	}
	return at
}

// rush is a quiet night and a busy noon.
func rush(at time.Time) float64 {
	hours := float64(at.Hour()) + float64(at.Minute())/60
	return 5 + 20*math.Exp(-(hours-12)*(hours-12)/8)
}

func TestSeasonIsForetold(t *testing.T) {
	s := NewSeries(Options{})
	now := fill(s, monday, 14, rush)
	for horizon, ahead := range []time.Duration{Lead: 10 * time.Minute, Hour: time.Hour, Day: 24 * time.Hour} {
		want := rush(now.Add(ahead - s.Step()))
		got := s.Ahead(horizon)
		assert.InDelta(t, want, got.P50, 0.1*want, "horizon %v", ahead)
		assert.LessOrEqual(t, got.P05, got.P50)
		assert.LessOrEqual(t, got.P50, got.P95)
	}
	assert.True(t, s.Known())
}

func TestShortHistoryIsTheLastValue(t *testing.T) {
	s := NewSeries(Options{})
	assert.True(t, math.IsNaN(s.Ahead(Lead).P50), "nothing is known of nothing")
	assert.Empty(t, s.Look().Points)
	s.Add(monday, 7)
	assert.InDelta(t, 7, s.Ahead(Day).P50, 1e-9)
	look := s.Look()
	assert.False(t, look.Known)
	assert.Equal(t, "last value", look.Method)
	assert.Empty(t, look.Peaks)
}

func TestBadValues(t *testing.T) {
	for name, y := range map[string]func(i int) float64{
		"constant": func(int) float64 { return 3 },
		"zero":     func(int) float64 { return 0 },
		"spike": func(i int) float64 {
			if i == 3000 {
				return 1e9
			}
			return 3
		},
		"step": func(i int) float64 {
			if i > 2500 {
				return 30
			}
			return 3
		},
		"gaps": func(i int) float64 {
			if i%7 < 3 {
				return math.NaN()
			}
			return 3
		},
		"nothing but gaps": func(int) float64 { return math.NaN() },
	} {
		t.Run(name, func(t *testing.T) {
			s := NewSeries(Options{})
			largest := 0.0
			for i := range 4000 {
				s.Add(monday.Add(time.Duration(i)*5*time.Minute), y(i))
				if v := y(i); v > largest {
					largest = v
				}
				for h := range horizons {
					r := s.Ahead(h)
					if name == "nothing but gaps" {
						require.True(t, math.IsNaN(r.P50))
						continue
					}
					if largest > 0 || name == "zero" {
						require.False(t, math.IsNaN(r.P50), "step %d", i)
						require.GreaterOrEqual(t, r.P05, 0.0)
						require.LessOrEqual(t, r.P95, 3*largest)
					}
				}
			}
			s.Look()
		})
	}
}

func TestRefused(t *testing.T) {
	s := NewSeries(Options{})
	assert.True(t, s.Add(monday, 1))
	assert.False(t, s.Add(monday, 1), "the same step again")
	assert.False(t, s.Add(monday.Add(-time.Hour), 1), "the clock went back")
	assert.False(t, s.Add(monday.Add(time.Hour), -1))
	assert.False(t, s.Add(monday.Add(time.Hour), math.Inf(1)))
	assert.True(t, s.Add(monday.Add(time.Hour), math.NaN()), "not known")
	s.Correct(monday, 2)
	assert.InDelta(t, 3, s.Value(monday), 1e-9)
	s.Correct(monday.Add(time.Hour), 2)
	assert.True(t, math.IsNaN(s.Value(monday.Add(time.Hour))), "a gap stays one")
	assert.True(t, s.Add(monday.Add(400*24*time.Hour), 5), "a year later all begins anew")
	assert.InDelta(t, 5, s.Ahead(Lead).P50, 1e-9)
}

// TestClocksChange: a peak at nine stays at nine, the day before and after the clocks change.
func TestClocksChange(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	c := calendar{5 * time.Minute, berlin, 288}
	for _, day := range []time.Time{time.Date(2026, 3, 29, 9, 0, 0, 0, berlin), time.Date(2026, 10, 25, 9, 0, 0, 0, berlin), time.Date(2026, 6, 1, 9, 0, 0, 0, berlin)} {
		was := c.starts(c.back(c.number(day), 1))
		assert.Equal(t, 9, was.Hour(), "%v", was)
		assert.Equal(t, day.AddDate(0, 0, -1).Day(), was.Day())
		week := c.starts(c.back(c.number(day), 7))
		assert.Equal(t, 9, week.Hour())
		assert.Equal(t, day.Weekday(), week.Weekday())
	}
}

// TestGuard: a model must be clearly better, on five of seven days, or the plain one stays.
func TestGuard(t *testing.T) {
	everything := func(int) bool { return true }
	var s scores
	for day := range choiceDays {
		for range 10 {
			s.add(isLast, 2)
			s.add(isYesterday, 1)
			s.add(isDayProfile, 0.97)
			s.add(isHoltWinters, map[bool]float64{true: 0.1, false: 1.01}[day < 4])
		}
		s.choose(everything)
		if day < choiceDays-1 {
			s.turn()
		}
	}
	assert.Equal(t, isYesterday, s.used, "0.97 is not enough, and four days are too few")
	s = scores{}
	for day := range choiceDays {
		for range 10 {
			s.add(isLast, 2)
			s.add(isYesterday, 1)
			s.add(isDayProfile, 0.9)
		}
		s.choose(everything)
		if day < choiceDays-1 {
			s.turn()
		}
	}
	assert.Equal(t, isDayProfile, s.used)
	s.choose(func(m int) bool { return m == isLast })
	assert.Equal(t, isLast, s.used, "there is too little history for others")
}

func TestPeaksInWords(t *testing.T) {
	s := NewSeries(Options{})
	fill(s, monday, 15, func(at time.Time) float64 {
		switch d := at.Weekday(); {
		case d == time.Saturday || d == time.Sunday:
			return 10
		case at.Hour() >= 9 && at.Hour() < 12:
			return 31
		case at.Hour() >= 2 && at.Hour() < 5:
			return 2
		}
		return 10
	})
	assert.ElementsMatch(t, []string{"weekdays 9:00 to 12:00, 3.1 times the median", "weekdays 2:00 to 5:00, 0.2 times the median"}, s.words())
}

func TestResidualsStaySorted(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 1))
	r := newResiduals(50)
	for range 500 {
		r.add(100*chance.Float64(), 100*chance.Float64())
		require.Len(t, r.sorted, len(r.list))
		require.IsIncreasing(t, append([]float32{-1e9}, compact(r.sorted)...))
	}
	assert.Len(t, r.list, 50)
	assert.InDelta(t, 100, shift(100, 0), 1e-9)
	assert.Zero(t, shift(1, -5), "never below zero")
	assert.Less(t, r.quantile(-0.1), r.quantile(0), "beyond all that was seen")
}

func compact(list []float32) (out []float32) {
	for i, v := range list {
		if i == 0 || v != list[i-1] {
			out = append(out, v)
		}
	}
	return out
}

// BenchmarkStep shows what one step of one series costs when all that is kept is there.
func BenchmarkStep(b *testing.B) {
	s := NewSeries(Options{})
	now := fill(s, monday, 36, rush)
	for b.Loop() {
		s.Add(now, rush(now))
		now = now.Add(s.Step())
	}
}
