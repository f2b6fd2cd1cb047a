package autoscale

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// days of a controller that sees level and is foretold the level of a start later, by foretell.
func trusted(t *testing.T, hours float64, level, foretell func(hour float64) float64) (*Controller, time.Time) {
	t.Helper()
	c, now := New(Settings{Max: 20}), dawn
	for ; now.Sub(dawn).Hours() < hours; now = now.Add(5 * time.Second) {
		is := level(now.Sub(dawn).Hours())
		c.Step(now, Sample{Ready: 12, Slots: 96, InFlight: int(8 * is), Arriving: is, Forecast: foretell(now.Sub(dawn).Hours()), Lead: 90 * time.Second})
	}
	return c, now
}

// TestAForecastIsHeededAsLongAsItIsWorthIt: one that sees rises is, and one that asks for servers in vain is not.
func TestAForecastIsHeededAsLongAsItIsWorthIt(t *testing.T) {
	day := func(hour float64) float64 { return 4 - 3*math.Cos(hour*math.Pi) }
	const lead = 90.0 / 3600
	for name, c := range map[string]struct {
		foretell func(hour float64) float64
		heeded   bool
	}{
		"right":             {func(hour float64) float64 { return day(hour + lead) }, true},
		"a little high":     {func(hour float64) float64 { return 1.02 * day(hour+lead) }, true},
		"too low":           {func(hour float64) float64 { return day(hour+lead) / 2 }, true},
		"nothing":           {func(float64) float64 { return math.NaN() }, true},
		"twice as high":     {func(hour float64) float64 { return 2 * day(hour) }, false},
		"half an hour late": {func(hour float64) float64 { return day(hour - 0.5) }, false},
	} {
		control, now := trusted(t, 3, day, c.foretell)
		assert.Equal(t, c.heeded, control.trust.worth(), name)
		d := control.Step(now, Sample{Ready: 8, Slots: 64, InFlight: 56, Arriving: 7, Forecast: 15, Lead: 90 * time.Second})
		assert.Equal(t, c.heeded, d.Inputs["need_forecast"] > 0, name)
		assert.LessOrEqual(t, len(control.trust.claims), mostClaims)
	}
}

// TestTrustComesBack when a forecast is right again for some hours.
func TestTrustComesBack(t *testing.T) {
	day := func(hour float64) float64 { return 4 - 3*math.Cos(hour*math.Pi) }
	foretell := func(until float64) func(float64) float64 {
		return func(hour float64) float64 {
			if hour < until {
				return 2 * day(hour)
			}
			return day(hour + 90.0/3600)
		}
	}
	c, _ := trusted(t, 2, day, foretell(2))
	require.False(t, c.trust.worth())
	c, _ = trusted(t, 16, day, foretell(2))
	assert.True(t, c.trust.worth())
}

// TestALargeRequestIsNoPanic where requests of all sizes come, though six seconds of it are twice what serves; more than chance
// brings is one.
func TestALargeRequestIsNoPanic(t *testing.T) {
	s := Sample{Ready: 2, Slots: 16, InFlight: 16, Forecast: math.NaN(), Lead: 90 * time.Second}
	c, now := New(Settings{Max: 20}), dawn
	step := func(arriving float64) Decision {
		s.Arriving = arriving
		now = now.Add(5 * time.Second)
		return c.Step(now, s)
	}
	for i := range 60 {
		require.False(t, step([]float64{0.2, 0.5, 4, 0.9, 0, 1.4}[i%6]).Panic, i)
	}
	assert.False(t, step(4).Panic)
	assert.True(t, step(14).Panic)
}
