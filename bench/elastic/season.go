// Generated days: how many come, by time of day, and what else happens.

package elastic

import (
	"math"
	"math/rand/v2"
)

const (
	daySeconds = 86_400.0
	// pastDays is what the forecast has seen before the course begins: the models that go by the week need three weeks.
	pastDays = 28
	// spread is σ of the log-normal work of requests: answers of chats.
	spread = 1.0
)

func drawWork(chance *rand.Rand) float32 {
	return float32(math.Exp(spread*chance.NormFloat64() - spread*spread/2))
}

// season is a level for each step of days that begin on a Monday, of the past and of the course. The greatest usual one is 1.
type season struct {
	levels []float64
	past   int // steps
}

// newSeason draws days that differ by 8 %, and an hour from the next by 6 %.
func newSeason(seed uint64, days float64, usual func(hour float64, weekend bool) float64) *season {
	chance := rand.New(rand.NewPCG(seed, 77))
	const perDay = int(daySeconds / stepSeconds)
	s := &season{past: pastDays * perDay}
	day, slow, keep := 1.0, 0.0, math.Exp(-stepSeconds/3600.0)
	for i := range s.past + int(days*float64(perDay)) + 2 {
		if i%perDay == 0 {
			day = math.Exp(0.08 * chance.NormFloat64())
		}
		slow = keep*slow + math.Sqrt(1-keep*keep)*0.06*chance.NormFloat64()
		s.levels = append(s.levels, usual(float64(i%perDay)*24/float64(perDay), i/perDay%7 >= 5)*day*math.Exp(slow))
	}
	return s
}

// level is that of a time of the course.
func (s *season) level(at float64) float64 {
	x := at/stepSeconds + float64(s.past)
	i := min(max(int(x), 0), len(s.levels)-2)
	part := min(max(x-float64(i), 0), 1)
	return s.levels[i]*(1-part) + s.levels[i+1]*part
}

// before are the levels of the past times a rate, with the chance of counting.
func (s *season) before(seed uint64, rate float64) (list []float64) {
	chance := rand.New(rand.NewPCG(seed, 78))
	for _, level := range s.levels[:s.past] {
		n := level * rate * stepSeconds
		list = append(list, max(n+math.Sqrt(n*(1+math.Exp(spread*spread)-1))*chance.NormFloat64(), 0)/stepSeconds)
	}
	return list
}

// working is a usual day: a rush in the morning, a longer one after noon, a quiet night, and quiet weekends.
func working(hour float64, weekend bool) float64 {
	if weekend {
		return 0.12 + 0.33*bump(hour, 14, 4)
	}
	return 0.12 + 0.62*bump(hour, 10, 2) + 0.8*bump(hour, 15.5, 2.6) + 0.2*bump(hour, 21, 1.5)
}

// peaks is a low day with three short rushes: shifts that begin, a lunch, a nightly batch.
func peaks(hour float64, _ bool) float64 {
	return 0.2 + 0.8*bump(hour, 8, 0.25) + 0.6*bump(hour, 12.5, 0.4) + 0.9*bump(hour, 23, 0.2)
}

// flat is a day like a night.
func flat(float64, bool) float64 { return 0.2 }

func bump(x, middle, width float64) float64 {
	d := (x - middle) / width
	return math.Exp(-d * d / 2)
}

// draw makes the requests of a course by the level: gaps are how far requests are from each other, of mean 1, and works
// what they are, of mean 1.
func (c *course) draw(rate float64, level func(at float64) float64, gap func() float64, work func() float32) {
	due := gap()
	for begin := 0.0; begin < c.setup.span; begin += rateSeconds {
		r := level(begin+rateSeconds/2) * rate
		c.rates = append(c.rates, r/c.setup.capacity())
		at, end := begin, begin+rateSeconds
		for r > 0 && at+due/r < end {
			at += due / r
			c.at, c.work = append(c.at, at), append(c.work, work())
			due = gap()
		}
		due = max(due-(end-at)*r, 0) // what is left of it goes on in the next bin
	}
}
