package anomaly

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// again is a rig whose detector begins with what another has learned.
func (r *rig) again(t *testing.T) *rig {
	text, err := r.State()
	require.NoError(t, err)
	n := newRig()
	n.now = r.now
	require.NoError(t, n.Restore(text, n.now))
	same, err := n.State()
	require.NoError(t, err)
	assert.Len(t, same, len(text), "nothing is lost on the way")
	return n
}

// TestWhatWasLearnedOutlivesARestart: unlike servers are known as such, and a slow one is found at once.
func TestWhatWasLearnedOutlivesARestart(t *testing.T) {
	unlike := slowAt("gpu1", 1.9)
	r := newRig()
	r.Observe(r.now, []Gauge{{Quantity: "memory in use", Value: 1, Limit: 10}})
	r.run(6*time.Hour, 3, 20, unlike)
	require.Empty(t, r.told)
	n := r.again(t)
	n.run(5*time.Minute, 3, 20, unlike)
	require.Empty(t, n.told)
	n.run(time.Minute, 3, 20, func(row *usage.Row) { unlike(row); slowAt("gpu1", 1.9)(row) })
	require.Len(t, n.up(), 1)
	assert.Equal(t, "gpu1", n.up()[0].Place.Endpoint)
	assert.InDelta(t, 1.9, n.up()[0].Ratio, 0.4, "beside its own measure")
	assert.Len(t, n.gauges, 1)
}

// TestTrendsOutliveARestart, the hours that were not seen included.
func TestTrendsOutliveARestart(t *testing.T) {
	r := newRig()
	hour := 0
	grow := func(r *rig, hours int) {
		for range 6 * hours {
			r.Step(r.now)
			r.Observe(r.now, []Gauge{{Quantity: "memory in use", Value: 10 + float64(hour)/6 + 0.1*r.chance.NormFloat64(), Limit: 80}})
			r.now = r.now.Add(10 * time.Minute)
			hour++
		}
	}
	grow(r, 20)
	r.now, hour = r.now.Add(3*time.Hour), hour+3*6
	n := r.again(t)
	grow(n, 12)
	require.Len(t, n.Trends(), 1)
	assert.Equal(t, "memory in use", n.Trends()[0].Quantity)
}

func TestStateThatIsOldOrOfLaterSaysNothing(t *testing.T) {
	r := newRig()
	r.run(time.Hour, 2, 20, nil)
	text, err := r.State()
	require.NoError(t, err)
	for _, now := range []time.Time{r.now.Add(15 * 24 * time.Hour), r.now.Add(-2 * time.Hour)} {
		n := New(Options{})
		require.NoError(t, n.Restore(text, now))
		assert.Empty(t, n.upstreams)
	}
}

// TestDamagedStateIsRefused, wherever it is cut, and whatever is missing in it.
func TestDamagedStateIsRefused(t *testing.T) {
	r := newRig()
	r.Observe(r.now, []Gauge{{Quantity: "memory in use", Value: 1, Limit: 10}})
	r.run(3*time.Hour, 2, 20, nil)
	bytes, err := r.State()
	require.NoError(t, err)
	text := string(bytes)
	for cut := 0; cut < len(text); cut += 97 {
		assert.Error(t, New(Options{}).Restore([]byte(text[:cut]), r.now))
	}
	for _, damage := range [][2]string{
		{`"Speed":{`, `"Speed":null,"Other":{`}, {`"Past":{`, `"Past":null,"Other":{`}, {`"Trouble":[null,{`, `"Trouble":[{`}, {`"Trends":{`, `"Trends":null,"Other":{`},
		{`"Models":{`, `"Models":null,"Other":{`}, {`"Overhead":{`, `"Overhead":null,"Other":{`}, {`"Bad":`, `"Bad":1e9,"Other":`}, {`"Minutes":`, `"Minutes":-`}, {`"Weight":`, `"Weight":-1,"Other":`}, {`"Counts":[`, `"Counts":[-1,`},
		{`"Scatters":`, `"Scatters":-1,"Other":`}, {`"Offset":`, `"Offset":1e300,"Other":`}, {`"Variance":`, `"Variance":1e300,"Other":`}, {`"Models":{"large":{`, `"Models":{"large":null,"small":{`},
	} {
		require.Contains(t, text, damage[0])
		n := New(Options{})
		assert.Error(t, n.Restore([]byte(strings.Replace(text, damage[0], damage[1], 1)), r.now), damage[1])
		assert.Empty(t, n.upstreams, "all or nothing")
	}
}

// TestTrendsAfterAWrongClock: figures that were seen while the clock was far ahead keep nothing from being seen afterwards.
func TestTrendsAfterAWrongClock(t *testing.T) {
	r := newRig()
	see := func(now time.Time) { r.Observe(now, []Gauge{{Quantity: "memory in use", Value: 1, Limit: 10}}) }
	ahead := r.now.Add(365 * 24 * time.Hour)
	for i := range 20 {
		see(ahead.Add(time.Duration(i) * 10 * time.Minute))
	}
	for i := range 20 {
		see(r.now.Add(time.Duration(i) * 10 * time.Minute))
	}
	for _, h := range r.gauges {
		assert.Len(t, h.Means, 3)
		assert.Equal(t, r.now.Unix()/3600+3, h.Hour)
	}
}
