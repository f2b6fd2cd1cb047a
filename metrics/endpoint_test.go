package metrics

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
)

func TestHotPathAllocatesNothing(t *testing.T) {
	r := New(Build{})
	e, u := r.Endpoint("chat", "small"), r.Upstream("chat")
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		e.Answered(200, time.Second, 100*time.Millisecond, 30*time.Microsecond)
		e.AddBytes(FromUpstream, 300)
		e.ConnectionReused()
		e.Repeated(RepeatConnect)
		u.Answered(503)
		u.Cancelled(PhaseStream)
		r.ConnectionAccepted()
	}))
}

// timings are the three durations of many requests: long answers, early first
// bytes, an overhead around 40 µs.
var timings = func() (t [1024][3]time.Duration) {
	random := rand.New(rand.NewPCG(1, 2))
	skewed := func(most time.Duration) time.Duration {
		u := random.Float64()
		return time.Duration(u*u*u*float64(most)) + 1
	}
	for i := range t {
		t[i] = [3]time.Duration{skewed(time.Minute), skewed(5 * time.Second), skewed(time.Millisecond)}
	}
	return t
}()

type answered interface {
	Answered(code int, response, firstByte, overhead time.Duration)
}

// BenchmarkAnswered is what one request costs; "library" is the same with
// client_golang's own counters and histograms. The figures in doc.go are from
// here.
func BenchmarkAnswered(b *testing.B) {
	kinds := map[string]func() answered{
		"own":     func() answered { return newEndpoint("chat", "small") },
		"library": func() answered { return newLibraryEndpoint() },
	}
	for kind, newOne := range kinds {
		endpoints := [3]answered{newOne(), newOne(), newOne()}
		b.Run(kind+"/alone", func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				d := &timings[i%len(timings)]
				endpoints[i%3].Answered(200, d[0], d[1], d[2])
			}
		})
		b.Run(kind+"/every core", func(b *testing.B) {
			var start atomic.Int64
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := int(start.Add(500)); pb.Next(); i++ {
					d := &timings[i%len(timings)]
					endpoints[i%3].Answered(200, d[0], d[1], d[2])
				}
			})
		})
	}
}

func BenchmarkAddBytes(b *testing.B) {
	e := newEndpoint("chat", "small")
	b.ReportAllocs()
	for b.Loop() {
		e.AddBytes(FromUpstream, 100)
	}
}

type libraryEndpoint struct {
	requests                      [5]prometheus.Counter
	response, firstByte, overhead prometheus.Histogram
}

func newLibraryEndpoint() *libraryEndpoint {
	histogram := func(bounds *bounds) prometheus.Histogram {
		var upper []float64
		for _, u := range bounds.upper {
			upper = append(upper, float64(u)/1e9)
		}
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: "x", Buckets: upper})
	}
	e := &libraryEndpoint{
		response: histogram(responseBounds), firstByte: histogram(responseBounds), overhead: histogram(overheadBounds),
	}
	for i := range e.requests {
		e.requests[i] = prometheus.NewCounter(prometheus.CounterOpts{Name: "x"})
	}
	return e
}

func (e *libraryEndpoint) Answered(code int, response, firstByte, overhead time.Duration) {
	e.requests[class(code)].Inc()
	e.response.Observe(response.Seconds())
	e.firstByte.Observe(firstByte.Seconds())
	e.overhead.Observe(overhead.Seconds())
}
