// Generated weeks of traffic.

package foresight

import (
	"math"
	"math/rand/v2"
	"time"
)

// course is a series to be foretold.
type course struct {
	name     string
	seasonal bool
	public   bool
	step     time.Duration
	zone     *time.Location
	start    time.Time
	values   []float64 // NaN: a gap
	judged   int       // the first step that counts
}

const (
	weekStep  = 5 * time.Minute
	weeksMade = 6
	// judgedWeek is the week from which generated series count: the models that go by the week need three.
	judgedWeek = 3
)

// kinds are what generated weeks are like.
var kinds = []struct {
	name     string
	seasonal bool
	shape    func(c *course, chance *rand.Rand) func(at time.Time, usual float64) float64
}{
	{"season", true, nil},
	{"season and trend", true, func(c *course, _ *rand.Rand) func(time.Time, float64) float64 {
		return func(at time.Time, usual float64) float64 { return usual * math.Pow(1.015, at.Sub(c.start).Hours()/24) }
	}},
	{"clocks change", true, nil},
	{"outages", true, func(c *course, chance *rand.Rand) func(time.Time, float64) float64 {
		begin := c.start.Add(23*24*time.Hour + time.Duration(chance.Float64()*48*float64(time.Hour)))
		return func(at time.Time, usual float64) float64 {
			if since := at.Sub(begin); since >= 0 && since < 14*time.Hour || since >= 100*time.Hour && since < 103*time.Hour {
				return math.NaN()
			}
			return usual
		}
	}},
	{"launch", true, func(c *course, _ *rand.Rand) func(time.Time, float64) float64 {
		launch := c.start.Add(25*24*time.Hour + 10*time.Hour)
		return func(at time.Time, usual float64) float64 {
			if at.After(launch) {
				return 2.5 * usual
			}
			return usual
		}
	}},
	{"crowds", true, func(c *course, chance *rand.Rand) func(time.Time, float64) float64 {
		begin := c.start.Add(24*24*time.Hour + time.Duration(chance.Float64()*24*float64(time.Hour)))
		return func(at time.Time, usual float64) float64 {
			for i := range 3 {
				if since := at.Sub(begin.Add(time.Duration(i) * 130 * time.Hour)); since >= 0 && since < 90*time.Minute {
					return 6 * usual
				}
			}
			return usual
		}
	}},
	{"bursts without season", false, func(_ *course, chance *rand.Rand) func(time.Time, float64) float64 {
		level, keep := 0.0, math.Exp(-float64(weekStep)/float64(40*time.Minute))
		return func(time.Time, float64) float64 {
			level = keep*level + math.Sqrt(1-keep*keep)*0.5*chance.NormFloat64()
			return 20 * math.Exp(level)
		}
	}},
}

// generated are the weeks of one seed.
func generated(seed uint64) (list []*course) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil { // a system without time zones: the clocks do not change then
		berlin = time.UTC
	}
	for i, k := range kinds {
		chance := rand.New(rand.NewPCG(seed, uint64(100+i)))
		c := &course{name: k.name, seasonal: k.seasonal, step: weekStep, zone: time.UTC, start: time.Date(2026, 9, 7, 0, 0, 0, 0, time.UTC)}
		if k.name == "clocks change" { // in the fifth week
			c.zone, c.start = berlin, time.Date(2026, 9, 28, 0, 0, 0, 0, berlin)
		}
		c.judged = judgedWeek * 7 * int(24*time.Hour/weekStep)
		c.make(k.shape, chance)
		list = append(list, c)
	}
	return list
}

// make draws the values: a rush in the morning and a longer one after noon, quiet weekends, days that differ, and noise.
func (c *course) make(shape func(*course, *rand.Rand) func(time.Time, float64) float64, chance *rand.Rand) {
	of := func(_ time.Time, usual float64) float64 { return usual }
	if shape != nil {
		of = shape(c, chance)
	}
	day, slow, keep := 1.0, 0.0, math.Exp(-float64(weekStep)/float64(time.Hour))
	for at, end := c.start, c.start.Add(weeksMade*7*24*time.Hour); at.Before(end); at = at.Add(c.step) {
		local := at.In(c.zone)
		if local.Hour() == 0 && local.Minute() == 0 {
			day = math.Exp(0.08 * chance.NormFloat64())
		}
		slow = keep*slow + math.Sqrt(1-keep*keep)*0.06*chance.NormFloat64()
		hours := float64(local.Hour()) + float64(local.Minute())/60
		usual := 4 + 20*bump(hours, 10, 2) + 26*bump(hours, 15.5, 3) + 6*bump(hours, 21, 1.5)
		if d := local.Weekday(); d == time.Saturday || d == time.Sunday {
			usual = 3 + 9*bump(hours, 14, 4)
		}
		v := of(at, usual*day*math.Exp(slow))
		if !math.IsNaN(v) { // arrivals are counted: so many per second, over the step
			n := v * c.step.Seconds()
			v = math.Max(n+math.Sqrt(4*n)*chance.NormFloat64(), 0) / c.step.Seconds()
		}
		c.values = append(c.values, v)
	}
}

func bump(x, middle, width float64) float64 {
	d := (x - middle) / width
	return math.Exp(-d * d / 2)
}
