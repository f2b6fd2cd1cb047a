package faults

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/anomaly"
	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// TestAlarmsAreEventsOfTheirFault: what is told counts for the fault of its time, and else for nothing.
func TestAlarmsAreEventsOfTheirFault(t *testing.T) {
	clean := monday.Add(24 * time.Hour)
	f := &incident{name: "slow", begin: clean.Add(time.Hour), end: clean.Add(2 * time.Hour), place: anomaly.Place{Upstream: upstream}}
	f.of("gpu1", nil)
	at := func(after time.Duration, endpoint string) alarm { return accuse(clean.Add(after), endpoint) }
	l := newLine("somebody")
	for _, a := range []alarm{
		at(-time.Hour, "gpu1"),                    // in the clean time
		at(30*time.Minute, "gpu1"),                // before the fault
		at(61*time.Minute, "gpu2"),                // the first of the fault, wrong
		at(62*time.Minute, "gpu1"),                // right, and too late to be the first
		at(2*time.Hour+after-time.Second, "gpu1"), // windows are still full of it
		at(2*time.Hour+after, "gpu1"),             // no more
	} {
		l.see(a, []*incident{f}, clean)
	}
	assert.Len(t, l.clean, 1)
	assert.Len(t, l.between, 2)
	assert.True(t, l.found["slow"])
	assert.False(t, l.named["slow"])
	assert.Equal(t, time.Minute, l.delay["slow"])
	assert.Equal(t, 1, l.other)
}

// TestTheWorldIsTheSameForASeed, and does what a fault says.
func TestTheWorldIsTheSameForASeed(t *testing.T) {
	mean := func(seed uint64, script []*incident) float64 {
		w := newWorld(fleet{endpoints: 2, rate: 5, work: predicted}, seed, script)
		sum, n := 0.0, 0.0
		for range 360 {
			for _, r := range w.next() {
				if r.Endpoint == "gpu1" && r.Status == 200 {
					sum, n = sum+r.Service.Seconds(), n+1
				}
			}
		}
		require.Greater(t, n, 1000.0)
		return sum / n
	}
	f := &incident{begin: monday, end: monday.Add(time.Hour)}
	f.of("gpu1", func(_ time.Time, _ *usage.Row, e *effects) { e.factor *= 2 })
	plain := mean(1, nil)
	assert.Equal(t, plain, mean(1, nil))
	assert.NotEqual(t, plain, mean(2, nil))
	assert.InDelta(t, 2, mean(1, []*incident{f})/plain, 0.15)
}

// TestMissedAlarmsAreNotSoon: who found nothing has no delay.
func TestMissedAlarmsAreNotSoon(t *testing.T) {
	list := make([]trial, 3)
	times := [][]timed{{{delay: -1}}, {{delay: soon}}, {{delay: soon + time.Second}}}
	got, n, middle := soonPart(list, times, 0, func(trial) bool { return true })
	assert.InDelta(t, 1.0/3, got, 1e-9)
	assert.Equal(t, 3, n)
	assert.Equal(t, soon+time.Second, middle)
}
