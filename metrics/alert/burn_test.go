package alert

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const month = 30 * 24 * time.Hour

// TestBurnRates are those of the workbook for a month, and in proportion for a week.
func TestBurnRates(t *testing.T) {
	for _, c := range []struct {
		period time.Duration
		want   []float64
		least  float64
	}{
		{month, []float64{14.4, 6, 1}, 0.9306},
		{7 * 24 * time.Hour, []float64{3.36, 1.4, 0.2333}, 0.7024},
	} {
		for i, w := range BurnWindows {
			assert.InDelta(t, c.want[i], w.Burn(c.period), 1e-3)
		}
		least, fastest := LeastObjective(c.period)
		assert.InDelta(t, c.least, least, 1e-4)
		assert.Equal(t, time.Hour, fastest.Long)
	}
	for _, w := range BurnWindows {
		assert.Equal(t, w.Long, 12*w.Short)
	}
}

const good, errors5xx = "steelyard_requests_total{upstream=chat,code=2xx}", "steelyard_requests_total{upstream=chat,code=5xx}"

func burnBench(t *testing.T, store *Store, slo SLO) *bench {
	b := newBench(t, store)
	b.series[good], b.series[errors5xx] = 0, 0
	b.Configure(Plan{SLOs: []SLO{slo}})
	return b
}

// serve steps every ten seconds for d, or until that is told, with that many requests a second.
func (b *bench) serve(d time.Duration, goodRate, badRate float64, until string) (took time.Duration) {
	for took < d && (until == "" || !slices.Contains(b.told, until)) {
		b.series[good] += 10 * goodRate
		b.series[errors5xx] += 10 * badRate
		b.run(10 * time.Second)
		took += 10 * time.Second
	}
	return took
}

// TestATotalOutage fires as soon as the arithmetic of the workbook says, and is over some five minutes after
// the last error.
func TestATotalOutage(t *testing.T) {
	for _, c := range []struct {
		objective      float64
		first, atLeast time.Duration
		over           float64 // seconds after the last error
	}{
		{0.999, 60 * time.Second, 50 * time.Second, 296},  // 52 s
		{0.99, 530 * time.Second, 510 * time.Second, 257}, // 8.6 min
	} {
		b := burnBench(t, nil, SLO{Name: "answers", Objective: c.objective, Period: month})
		b.serve(3*time.Hour, 10, 0, "")
		require.Empty(t, b.said())
		took := b.serve(time.Hour, 0, 10, "firing answers-burn-1h")
		assert.Contains(t, b.said(), "firing answers-burn-1h")
		assert.LessOrEqual(t, took, c.first)
		assert.GreaterOrEqual(t, took, c.atLeast)
		b.serve(10*time.Minute, 0, 10, "")
		over := b.serve(time.Hour, 10, 0, "inactive answers-burn-1h")
		assert.Contains(t, b.said(), "inactive answers-burn-1h")
		assert.InDelta(t, c.over, over.Seconds(), 15)
	}
}

// TestFewRequestsRaiseNoAlarm: where one error is most of an hour, it says nothing.
func TestFewRequestsRaiseNoAlarm(t *testing.T) {
	b := burnBench(t, nil, SLO{Name: "answers", Objective: 0.999, Period: month})
	for i := range 24 * 360 {
		if i%360 == 0 {
			b.series[good] += 9
			b.series[errors5xx]++
		}
		b.run(10 * time.Second)
	}
	assert.NotContains(t, b.said(), "1h", "one error among ten requests an hour")
}

// TestAnIdleGatewayIsWell, and has no data rather than a hundred percent.
func TestAnIdleGatewayIsWell(t *testing.T) {
	b := burnBench(t, nil, SLO{Name: "answers", Objective: 0.99, Period: month})
	b.run(4 * time.Hour)
	assert.Empty(t, b.said())
	for _, i := range b.instances {
		assert.Equal(t, NoData, i.state)
	}
}

func TestAnOutageThatEndsInSilenceGoesOn(t *testing.T) {
	b := burnBench(t, nil, SLO{Name: "answers", Objective: 0.99, Period: month})
	b.serve(2*time.Hour, 10, 0, "")
	b.serve(time.Hour, 0, 10, "")
	require.Contains(t, b.said(), "firing answers-burn-1h")
	b.run(5 * time.Hour)
	assert.NotContains(t, b.said(), "inactive")
	b.series[good] += 100
	b.run(10 * time.Second)
	assert.Contains(t, b.said(), "inactive answers-burn-1h")
}

// TestWhatCountsAsBad: neither what clients did wrong nor those who left, but 429 for want of room.
func TestWhatCountsAsBad(t *testing.T) {
	slo := SLO{Name: "answers", Objective: 0.99, Period: month}
	for series, want := range map[string][2]float64{
		"steelyard_requests_total{code=1xx}": {0, 0}, "steelyard_requests_total{code=2xx}": {7, 0}, "steelyard_requests_total{code=3xx}": {7, 0},
		"steelyard_requests_total{code=4xx}": {0, 0}, "steelyard_requests_total{code=5xx}": {7, 7},
		"steelyard_queue_refused_total{reason=full}": {7, 7}, "steelyard_queue_refused_total{reason=timeout}": {0, 0},
	} {
		s := sampleOf(series, 0)
		all, bad := slo.count(&s, 7, nil)
		assert.Equal(t, want, [2]float64{all, bad}, series)
	}
	slow := SLO{By: ByFirstByte, Bound: 2 * time.Second}
	s := sampleOf("steelyard_first_byte_time_seconds", 0)
	s.Bounds = []float64{1, 2, 5}
	all, bad := slow.count(&s, 9, []float64{1, 4, 8, 9})
	assert.Equal(t, [2]float64{9, 5}, [2]float64{all, bad})
}

func TestAWindowThatIsNotFullSaysSo(t *testing.T) {
	b := burnBench(t, nil, SLO{Name: "answers", Objective: 0.99, Period: month})
	b.run(10 * time.Second)
	b.serve(time.Minute, 10, 10, "")
	require.Contains(t, b.said(), "firing answers-burn-1h")
	assert.Contains(t, b.Alerts()[0].Summary, "as its window of 1h is not full yet")
	assert.Contains(t, b.Alerts()[0].Summary, "upstream chat: 50 % of its requests are bad (5xx, or 429 from a full queue), where objective answers allows 1 %")
}
