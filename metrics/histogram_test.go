package metrics

import (
	"bytes"
	"math/rand/v2"
	"sort"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestBucket holds the short search against a plain one, at every bound, one
// nanosecond to each side of it, and at random.
func TestBucket(t *testing.T) {
	for _, b := range []*bounds{responseBounds, endpointBounds, overheadBounds} {
		require.True(t, sort.SliceIsSorted(b.upper, func(i, j int) bool { return b.upper[i] < b.upper[j] }))
		values := []uint64{1, 2, 3, 1 << 62, 1<<63 - 1}
		for _, u := range b.upper {
			values = append(values, u-1, u, u+1)
		}
		for range 10_000 {
			values = append(values, rand.Uint64()>>rand.IntN(64)>>1)
		}
		for _, v := range values {
			want := sort.Search(len(b.upper), func(i int) bool { return b.upper[i] >= v })
			require.Equal(t, want, b.bucket(v), "%d ns", v)
		}
	}
}

func TestHistogramAsPrometheusReadsIt(t *testing.T) {
	h := newHistogram(responseBounds)
	for _, d := range []time.Duration{
		0, -time.Second, // not measured
		time.Microsecond, time.Millisecond, // both le="0.001"
		time.Millisecond + 1,
		time.Hour, // beyond the last bound
	} {
		h.observe(d)
	}
	got := read(t, &h)
	assert.EqualValues(t, 4, got.GetSampleCount())
	assert.InDelta(t, 3600.002001001, got.GetSampleSum(), 1e-9)
	require.Len(t, got.GetBucket(), 19)
	first, second, last := got.GetBucket()[0], got.GetBucket()[1], got.GetBucket()[18]
	assert.Equal(t, 0.001, first.GetUpperBound())
	assert.EqualValues(t, 2, first.GetCumulativeCount())
	assert.Equal(t, 0.0025, second.GetUpperBound())
	assert.EqualValues(t, 3, second.GetCumulativeCount())
	assert.Equal(t, 600.0, last.GetUpperBound())
	assert.EqualValues(t, 3, last.GetCumulativeCount())
}

// TestSumBeyondOneWord fills the low word of the sum: the sum must go on, not
// start again.
func TestSumBeyondOneWord(t *testing.T) {
	h := newHistogram(responseBounds)
	const most = time.Duration(1<<63 - 1)
	for range 5 {
		h.observe(most)
	}
	assert.InEpsilon(t, 5*most.Seconds(), read(t, &h).GetSampleSum(), 1e-12)
}

func TestHistogramLosesNothingAmongGoroutines(t *testing.T) {
	h := newHistogram(overheadBounds)
	const goroutines, each = 8, 5000
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for i := range each {
				h.observe(time.Duration(i+1) * time.Microsecond)
			}
		})
	}
	wg.Wait()
	got := read(t, &h)
	assert.EqualValues(t, goroutines*each, got.GetSampleCount())
	assert.InEpsilon(t, goroutines*each*(each+1)/2*1e-6, got.GetSampleSum(), 1e-12)
	for _, b := range got.GetBucket() {
		want := min(uint64(b.GetUpperBound()*1e6+0.5), each) * goroutines
		assert.Equal(t, want, b.GetCumulativeCount(), "le=%v", b.GetUpperBound())
	}
}

func read(t *testing.T, h *histogram) *dto.Histogram {
	t.Helper()
	f := &aFamily{name: "x_seconds", head: "# TYPE x_seconds histogram\n"}
	s := page{parts: make([][]byte, 1)}
	s.histogram(f, h)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(s.parts[0]))
	require.NoError(t, err)
	got := families["x_seconds"].GetMetric()[0].GetHistogram()
	last := len(got.GetBucket()) - 1
	require.Equal(t, got.GetSampleCount(), got.GetBucket()[last].GetCumulativeCount(), "of +Inf")
	got.Bucket = got.Bucket[:last]
	return got
}
