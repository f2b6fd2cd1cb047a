package anomaly

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPastFindsAShiftAndNoNoise(t *testing.T) {
	chance := rand.New(rand.NewPCG(5, 6))
	for _, absolute := range []bool{false, true} {
		p, now, noise := newPast(absolute, leastShift), monday, 0.0
		step := func(v float64) {
			noise = 0.6*noise + 0.8*0.1*chance.NormFloat64()
			p.add(now, v+noise, false)
			now = now.Add(time.Minute)
		}
		season := func() float64 {
			if !absolute {
				return 0
			}
			return 0.3 * math.Sin(2*math.Pi*now.Sub(now.Truncate(24*time.Hour)).Hours()/24)
		}
		alarms := 0
		for range 10 * 24 * 60 {
			was := p.raised
			step(1 + season())
			if p.raised && !was {
				alarms++
			}
		}
		assert.LessOrEqual(t, alarms, 1, "absolute %v", absolute)
		for range 30 {
			step(1.5 + season())
		}
		assert.True(t, p.raised, "absolute %v", absolute)
		assert.InDelta(t, 0.5, p.shift(), 0.2)
		for range 60 {
			step(1 + season())
		}
		assert.False(t, p.raised)
	}
}

func TestPastOfBadFigures(t *testing.T) {
	p := newPast(true, 1.2)
	for i := range 3000 {
		p.add(monday.Add(time.Duration(i)*time.Minute), []float64{math.NaN(), math.Inf(1), 2, 2}[i%4], false)
	}
	assert.False(t, p.raised)
	u, known := p.usual(monday.Add(3001 * time.Minute))
	assert.True(t, known)
	assert.InDelta(t, 2, u, 1e-9)
}

func TestRatio(t *testing.T) {
	chance := rand.New(rand.NewPCG(7, 8))
	r := newRatio(bands[Errors], nil)
	now := monday
	look := func(part float64) {
		for range 50 {
			r.add(now, chance.Float64() < part)
		}
		r.look()
		now = now.Add(lookEvery)
	}
	for range 5000 {
		look(0.001)
		require.False(t, r.raised)
	}
	for range 12 {
		look(0.06)
	}
	assert.True(t, r.raised)
	assert.InDelta(t, 0.06, r.now(), 0.03)
	for range 100 {
		look(0.001)
	}
	assert.False(t, r.raised)

	r = newRatio(bands[Errors], nil)
	for range 30 {
		look(0.0)
	}
	for range 40 { // a hiccup: all of one moment fail
		r.add(now, true)
	}
	assert.False(t, r.raised)
}

func TestWilson(t *testing.T) {
	assert.InDelta(t, 0.0196, wilsonHigh(10, 1000), 0.002)
	assert.Greater(t, wilsonHigh(0, 10), 0.2, "ten requests say little")
}

func TestTrend(t *testing.T) {
	chance := rand.New(rand.NewPCG(9, 10))
	h := &hours{Quantity: "the time for its work", Limit: 2, Factor: true}
	now, found := monday, (*Trend)(nil)
	feed := func(v func(hour float64) float64, hours int) {
		began := now
		for range hours * 6 {
			if h.add(now, v(now.Sub(began).Hours())*math.Exp(0.02*chance.NormFloat64())) && h.judge(now, Place{Upstream: "chat", Endpoint: "gpu3"}) && found == nil {
				found = h.trend
			}
			now = now.Add(10 * time.Minute)
		}
	}
	feed(func(float64) float64 { return 1 }, 7*24)
	require.Nil(t, found, "nothing changes")
	feed(func(hour float64) float64 { return math.Exp(math.Log(2) * hour / 120) }, 72)
	require.NotNil(t, found)
	assert.Contains(t, found.Text, "gpu3: the time for its work grows since ")
	h.judge(now, h.Place)
	last := h.trend
	require.NotNil(t, last)
	left := time.Duration(48 * float64(time.Hour))
	assert.WithinRange(t, now.Add(left), last.Earliest, last.Latest.Add(12*time.Hour))
	feed(func(float64) float64 { return 1.3 }, 14*24)
	assert.Nil(t, h.trend, "it has stopped")
}

func TestNoTrendInASeason(t *testing.T) {
	h := &hours{Quantity: "x", Limit: 2}
	for i := range 14 * 24 * 6 {
		now := monday.Add(time.Duration(i) * 10 * time.Minute)
		if h.add(now, 1+0.4*math.Sin(2*math.Pi*float64(i)/144)) {
			require.False(t, h.judge(now, Place{}), "hour %d", i/6)
		}
	}
	for _, v := range []float64{math.NaN(), math.Inf(1)} {
		assert.False(t, h.add(monday.Add(400*24*time.Hour), v))
	}
	assert.False(t, h.add(monday, 1), "the clock went back")
}
