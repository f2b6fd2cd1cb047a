package history

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// TestQuantilesHoldTheirBound: 5 % of the exact value.
func TestQuantilesHoldTheirBound(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var s sketch
	var exact []float64
	for range 20000 {
		v := math.Exp(random.NormFloat64()*1.5 - 1)
		exact = append(exact, v)
		s.add(bucketOf(time.Duration(v * float64(time.Second))))
	}
	slices.Sort(exact)
	for _, q := range []float64{0.05, 0.5, 0.9, 0.95, 0.99} {
		want := exact[int(math.Ceil(q*float64(len(exact))))-1]
		assert.InEpsilon(t, want, s.quantile(q), 0.051, "%v", q)
	}
	var none sketch
	none.add(bucketOf(0))
	none.add(bucketOf(-time.Second))
	assert.True(t, math.IsNaN(none.quantile(0.5)))
	var long sketch
	long.add(bucketOf(48 * time.Hour))
	assert.Greater(t, long.quantile(0.5), 3000.0)
}

func TestLastMinute(t *testing.T) {
	h := New(noon)
	now := noon
	for range 600 { // ten minutes: three a second, one of which fails at b
		h.Add(now, Finished{Upstream: "u", Endpoint: "a", Response: time.Second, FirstByte: 100 * time.Millisecond, Tokens: 10})
		h.Add(now, Finished{Upstream: "u", Endpoint: "a", Response: time.Second, FirstByte: 100 * time.Millisecond, Tokens: 10})
		h.Add(now, Finished{Upstream: "u", Endpoint: "b", Response: 4 * time.Second, Failed: true})
		now = now.Add(time.Second)
	}
	a, b, all, whole := h.RecentAt("u", "a", now), h.RecentAt("u", "b", now), h.RecentAt("u", "", now), h.RecentAt("", "", now)
	assert.InDelta(t, 2, a.Requests, 0.1)
	assert.InDelta(t, 20, a.Tokens, 1)
	assert.InDelta(t, 2.0/3, a.ShareRatio, 0.02)
	assert.InEpsilon(t, 1, a.ResponseP50, 0.05)
	assert.Zero(t, a.ErrorRatio)
	assert.InDelta(t, 1, b.ErrorRatio, 0)
	assert.True(t, math.IsNaN(b.FirstP50))
	assert.InDelta(t, 1.0/3, all.ErrorRatio, 0.02)
	assert.InDelta(t, 3, whole.Requests, 0.1)
	assert.GreaterOrEqual(t, all.Over, time.Minute)
	assert.LessOrEqual(t, all.Over, parts*partLength)

	late := h.RecentAt("u", "a", now.Add(2*time.Minute))
	assert.Zero(t, late.Requests)
	assert.True(t, math.IsNaN(late.ErrorRatio), "no requests have no ratio")
	assert.Zero(t, h.RecentAt("none", "", now).Requests)
}

func TestTheLastHour(t *testing.T) {
	h := New(noon)
	now := noon
	states := []State{{Upstream: "u", Waiting: 3, Endpoints: []EndpointState{{"a", 2}, {"b", 1}}}}
	for range 2 * points {
		h.Add(now, Finished{Upstream: "u", Endpoint: "a", Response: time.Second})
		now = now.Add(Every)
		h.Step(now, states)
	}
	a, err := h.Query(Query{Series: []string{"requests:u", "queue:u", "in_flight:u", "share:u/b", "response_p50:u"}, From: now.Add(-time.Hour), To: now})
	require.NoError(t, err)
	assert.LessOrEqual(t, len(a.Times), MostPoints)
	assert.Greater(t, len(a.Times), MostPoints/2)
	for i := range len(a.Times) - 1 {
		require.Equal(t, a.Times[i]+int64(a.Step.Seconds()), a.Times[i+1])
	}
	middle := len(a.Times) / 2
	assert.InDelta(t, 0.2, a.Lines[0].Values[middle], 1e-6)
	assert.InDelta(t, 3, a.Lines[1].Values[middle], 1e-6)
	assert.InDelta(t, 3, a.Lines[2].Values[middle], 1e-6)
	assert.Zero(t, a.Lines[3].Values[middle])
	assert.InEpsilon(t, 1, a.Lines[4].Values[middle], 0.05)

	long, err := h.Query(Query{Series: []string{"queue:u"}, From: now.Add(-1000 * time.Hour), To: now, Step: time.Second})
	require.NoError(t, err)
	assert.LessOrEqual(t, len(long.Times), MostPoints)
	_, err = h.Query(Query{Series: []string{"queue:v"}, From: now, To: now})
	unknown := &UnknownSeries{}
	require.ErrorAs(t, err, &unknown)
	assert.Equal(t, "queue:u", unknown.Near[0])
	assert.LessOrEqual(t, len(unknown.Near), 5)
}

// TestWhatHasGoneIsForgotten: an upstream's series an hour later, its last minute at once.
func TestWhatHasGoneIsForgotten(t *testing.T) {
	h := New(noon)
	now := noon
	step := func(states ...State) { now = now.Add(Every); h.Step(now, states) }
	step(State{Upstream: "gone", Endpoints: []EndpointState{{"a", 1}}})
	h.Add(now, Finished{Upstream: "late", Endpoint: "x"})
	step()
	step()
	assert.Len(t, h.windows, 1)
	assert.Len(t, h.series, 12)
	for range points + 2 {
		step()
	}
	assert.Empty(t, h.series)
}

func TestMemoryIsBounded(t *testing.T) {
	h := New(noon)
	s := State{Upstream: "u"}
	for i := range MostSeries {
		s.Endpoints = append(s.Endpoints, EndpointState{fmt.Sprint(i), 1})
	}
	h.Step(noon, []State{s})
	assert.Len(t, h.series, MostSeries)
}

// TestTheClockGoesBack: times grow all the same.
func TestTheClockGoesBack(t *testing.T) {
	h := New(noon)
	states := []State{{Upstream: "u"}}
	for _, at := range []time.Duration{5, 10, 3, 4, 15, 20} {
		h.Step(noon.Add(at*time.Second), states)
	}
	for i := range h.steps - 1 {
		assert.Less(t, h.times[i], h.times[i+1])
	}
}
