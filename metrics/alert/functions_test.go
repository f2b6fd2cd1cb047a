package alert

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics"
)

const truncated = "steelyard_truncated_answers_total{upstream=chat,endpoint=a}"

// only is the one instance of a rule.
func (b *bench) only(name string) *instance {
	var found *instance
	for _, i := range b.instances {
		if i.name == name {
			require.Nil(b.t, found)
			found = i
		}
	}
	require.NotNil(b.t, found)
	return found
}

func TestDeltaAndRate(t *testing.T) {
	b := newBench(t, nil,
		Rule{Name: "delta", On: OnGateway, Metric: "steelyard_truncated_answers_total", Fn: Delta, Over: 5 * time.Minute, Limit: 1e9},
		Rule{Name: "rate", On: OnGateway, Metric: "steelyard_truncated_answers_total", Fn: Rate, Over: 5 * time.Minute, Limit: 1e9})
	b.series[truncated] = 7000
	b.run(10 * time.Second)
	assert.False(t, b.only("delta").last.has, "one look shows no increase")
	for range 12 {
		b.series[truncated] += 10
		b.run(10 * time.Second)
	}
	assert.Equal(t, 120.0, b.only("delta").value)
	assert.InDelta(t, 1, b.only("rate").value, 1e-9)
	assert.Contains(t, b.only("rate").note(), "of the last 2m0s, as its window of 5m is not full yet")
	for range 60 {
		b.series[truncated] += 20
		b.run(10 * time.Second)
	}
	assert.Equal(t, 600.0, b.only("delta").value)
	assert.InDelta(t, 2, b.only("rate").value, 1e-9)
	assert.Empty(t, b.only("rate").note())
	b.series[truncated] = 4 // it began anew
	b.run(10 * time.Second)
	assert.Equal(t, 584.0, b.only("delta").value, "29 × 20 and 4")
	b.run(5 * time.Minute)
	assert.Zero(t, b.only("delta").value)
}

// TestTheFirstOfItsKindCounts: a counter that appears while it was looked for has grown from nothing; one that a
// new rule looks at for the first time has not.
func TestTheFirstOfItsKindCounts(t *testing.T) {
	r := Rule{Name: "delta", On: OnEndpoint, Metric: "steelyard_truncated_answers_total", Fn: Delta, Over: 5 * time.Minute}
	b := newBench(t, nil, r)
	b.run(time.Minute)
	b.series[truncated] = 1
	b.run(10 * time.Second)
	assert.Equal(t, "firing delta a", b.said())

	b = newBench(t, nil)
	b.series[truncated] = 500
	b.run(time.Minute)
	b.Configure(Plan{Rules: []Rule{r}})
	b.run(time.Minute)
	assert.Empty(t, b.said())
	b.series[truncated]++
	b.run(10 * time.Second)
	assert.Equal(t, "firing delta a", b.said())
}

// TestASeriesThatGoesTakesNothingAway from the sum of those that stay.
func TestASeriesThatGoesTakesNothingAway(t *testing.T) {
	b := newBench(t, nil, Rule{Name: "delta", On: OnUpstream, Metric: "steelyard_truncated_answers_total", Fn: Delta, Over: 5 * time.Minute, Limit: 1e9})
	const other = "steelyard_truncated_answers_total{upstream=chat,endpoint=b}"
	b.series[truncated], b.series[other] = 100, 100
	b.run(time.Minute)
	b.series[other] = 103
	b.run(10 * time.Second)
	delete(b.series, truncated)
	b.run(10 * time.Second)
	assert.Equal(t, 3.0, b.only("delta").value)
	b.series[truncated] = 2 // back, from zero
	b.run(10 * time.Second)
	assert.Equal(t, 5.0, b.only("delta").value)
}

func TestRatioNeedsEvents(t *testing.T) {
	b := newBench(t, nil, Rule{
		Name: "ratio", On: OnUpstream, Metric: "steelyard_failures_total", Where: []Match{{"source", true, []string{"client"}}},
		Of: "steelyard_requests_total", Fn: Ratio, Over: time.Minute, Limit: 0.5, Clear: 0.5, MinEvents: 10,
	})
	const all, bad, theirs = "steelyard_requests_total{upstream=chat,code=2xx}", "steelyard_failures_total{upstream=chat,source=upstream}", "steelyard_failures_total{upstream=chat,source=client}"
	b.series[all] = 0
	b.run(time.Minute)
	assert.Equal(t, "no_data", b.state("ratio"), "0/0 is neither 0 nor a number")
	b.series[all], b.series[bad], b.series[theirs] = 9, 9, 50
	b.run(10 * time.Second)
	assert.Equal(t, "no_data", b.state("ratio"), "9 requests say nothing")
	b.series[all]++
	b.run(10 * time.Second)
	assert.Equal(t, "firing ratio", b.said())
	assert.InDelta(t, 0.9, b.only("ratio").value, 1e-9)
	b.run(10 * time.Minute)
	assert.Empty(t, b.said(), "nothing comes any more: it goes on")
	b.series[all] += 10
	b.run(10 * time.Second)
	assert.Equal(t, "inactive ratio", b.said())
}

func TestRatioOfGauges(t *testing.T) {
	b := newBench(t, nil, Rule{Name: "full", On: OnEndpoint, Metric: "steelyard_requests_in_flight", Of: "steelyard_endpoint_slots", Fn: Ratio, Limit: 0.9, Clear: 0.9})
	b.series["steelyard_requests_in_flight{upstream=chat,endpoint=a}"], b.series["steelyard_endpoint_slots{upstream=chat,endpoint=a}"] = 8, 8
	b.series["steelyard_requests_in_flight{upstream=chat,endpoint=b}"], b.series["steelyard_endpoint_slots{upstream=chat,endpoint=b}"] = 8, 0
	b.run(10 * time.Second)
	assert.Equal(t, "firing full a", b.said())
}

func TestQuantile(t *testing.T) {
	bounds := []float64{1, 2, 5}
	for _, c := range []struct {
		q       float64
		buckets []float64
		want    float64
	}{
		{0.5, []float64{10, 10, 10, 10}, 0.5},
		{0.5, []float64{0, 10, 10, 10}, 1.5},
		{0.95, []float64{0, 0, 100, 100}, 4.85},
		{0.95, []float64{0, 0, 0, 100}, 5},
		{0, []float64{0, 4, 4, 4}, 1},
		{1, []float64{1, 1, 2, 2}, 5},
		{0.5, nil, 0},
	} {
		assert.InDelta(t, c.want, quantile(c.q, bounds, c.buckets), 1e-9, c)
	}
}

// waits is a registry with one histogram.
type waits struct{ buckets []float64 }

func (w *waits) Gather(map[string]bool) []metrics.Sample {
	return []metrics.Sample{{
		Name: "steelyard_queue_wait_time_seconds", Kind: metrics.Histogram, Labels: []string{"upstream"}, Values: []string{"chat"},
		Bounds: []float64{1, 10, 20}, Buckets: append([]float64(nil), w.buckets...), Value: w.buckets[3],
	}}
}

func TestQuantileOverAWindow(t *testing.T) {
	w := &waits{[]float64{1000, 1000, 1000, 1000}}
	e := New(Options{Registry: w})
	e.Configure(Plan{Rules: []Rule{{
		Name: "slow", On: OnUpstream, Metric: "steelyard_queue_wait_time_seconds", Fn: Quantile, Quantile: 0.95, Over: time.Minute,
		Limit: 99, LimitOf: map[string]float64{"chat": 15}, MinEvents: 10,
	}}})
	var told []Alert
	e.OnChange = func(a Alert) { told = append(told, a) }
	now := epoch
	step := func(n int) {
		for range n {
			now = now.Add(10 * time.Second)
			e.Step(now)
		}
	}
	step(2)
	w.buckets = []float64{1000, 1000, 1009, 1009}
	step(1)
	require.Empty(t, told, "9 waits are too few")
	w.buckets = []float64{1000, 1000, 1010, 1010}
	step(1)
	require.Len(t, told, 1)
	assert.InDelta(t, 19.5, told[0].Value, 1e-9)
	w.buckets = []float64{1100, 1100, 1110, 1110}
	step(6)
	require.Len(t, told, 2)
	assert.Equal(t, Inactive, told[1].State)
}

func TestHistoryIsBounded(t *testing.T) {
	h := history{over: time.Hour}
	for i := range 100_000 {
		h.add(time.Duration(i)*time.Second, point{num: 1}, false)
		require.LessOrEqual(t, len(h.points), pointsKept+2)
		require.LessOrEqual(t, cap(h.points), 6*pointsKept)
	}
	counted, known := h.window()
	assert.InDelta(t, 3600, counted.num, 61)
	assert.InDelta(t, 3600, known.Seconds(), 61)
	assert.False(t, math.IsNaN(counted.num))
}
