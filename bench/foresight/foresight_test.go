package foresight

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/steelyard-proxy/steelyard/metrics/forecast"
)

// TestErrorsAreHeldAgainstTheBetterSeason, and gaps say nothing.
func TestErrorsAreHeldAgainstTheBetterSeason(t *testing.T) {
	c := &course{step: time.Hour, values: make([]float64, 24*9)}
	for i := range c.values {
		c.values[i] = float64(i / 24) // each day one more
	}
	at := 24*8 + 5
	var o outcome
	o.judge(c, at, at-2, forecast.Range{P05: 7, P50: 7.5, P95: 8})
	assert.InDelta(t, 0.5, o.mase(), 1e-9, "off by a half, and yesterday by one")
	assert.InDelta(t, 1, o.coverage(), 1e-9)
	c.values[at] = math.NaN()
	o.judge(c, at, at-2, forecast.Range{P50: 1})
	assert.InDelta(t, 1, o.n, 1e-9)
}

// TestWeeksAreTheSameForASeed: and an outage is a gap, a launch is two and a half times as much.
func TestWeeksAreTheSameForASeed(t *testing.T) {
	once, again := generated(1), generated(1)
	for i := range once {
		gaps := 0
		for j, y := range once[i].values {
			if math.IsNaN(y) {
				gaps++
				continue
			}
			if y != again[i].values[j] {
				t.Fatalf("%s differs at %d", once[i].name, j)
			}
		}
		assert.Equal(t, once[i].name == "outages", gaps > 0, once[i].name)
	}
}
