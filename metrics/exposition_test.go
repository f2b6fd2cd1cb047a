package metrics

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asked is the answer to one scrape.
func asked(r *Registry, method, encodings string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	request := httptest.NewRequest(method, "/metrics", nil)
	if encodings != "" {
		request.Header.Set("Accept-Encoding", encodings)
	}
	r.Handler().ServeHTTP(w, request)
	return w
}

// large is a registry of many endpoints, all of which have counted something.
func large(endpoints int) *Registry {
	r := New(Build{})
	states := make([]EndpointState, endpoints)
	for i := range states {
		name := fmt.Sprintf("gpu-%04d.inference.svc.cluster.local:8000", i)
		states[i] = EndpointState{Upstream: "chat", Endpoint: name, InFlight: 3, BaseCapacity: 100, EffectiveCapacity: 99.5, ShareRatio: 1 / float64(endpoints), Eligible: true}
		e := r.Endpoint("chat", name)
		e.Answered(200, time.Duration(i)*time.Millisecond, 100*time.Millisecond, 30*time.Microsecond)
		e.AddBytes(FromUpstream, 1000*i)
	}
	r.Upstream("chat")
	r.Observe(func() []EndpointState { return states })
	return r
}

// TestOneRenderingServesASecond, however many ask, and in either encoding.
func TestOneRenderingServesASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := full()
		var rendered atomic.Int32
		r.ObserveQueues(func() []QueueState { rendered.Add(1); return nil })
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() { asked(r, "GET", []string{"", "gzip"}[i%2]) })
		}
		all.Wait()
		assert.EqualValues(t, 1, rendered.Load())
		r.Upstream("chat").Unqueued(QueueFull)
		assert.Contains(t, asked(r, "GET", "").Body.String(), `steelyard_queue_refused_total{reason="full",upstream="chat"} 1`)
		time.Sleep(fresh)
		assert.Contains(t, asked(r, "GET", "").Body.String(), `steelyard_queue_refused_total{reason="full",upstream="chat"} 2`)
		assert.EqualValues(t, 2, rendered.Load())
	})
}

// TestExpositionIsCompressedForThoseWhoTakeIt: all get one rendering, since no time passes.
func TestExpositionIsCompressedForThoseWhoTakeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := large(100)
		plain := asked(r, "GET", "")
		assert.Equal(t, "text/plain; version=0.0.4; charset=utf-8", plain.Header().Get("Content-Type"))
		assert.Empty(t, plain.Header().Get("Content-Encoding"))
		for encodings, zipped := range map[string]bool{
			"gzip": true, "deflate, GZIP;q=0.5": true, "gzip; q=1.0": true,
			"gzip;q=0": false, "gzip;q=x": false, "br": false, "identity": false, "x-gzip-ish": false,
		} {
			w := asked(r, "GET", encodings)
			assert.Equal(t, fmt.Sprint(w.Body.Len()), w.Header().Get("Content-Length"), encodings)
			assert.Equal(t, "Accept-Encoding", w.Header().Get("Vary"), encodings)
			if assert.Equal(t, zipped, w.Header().Get("Content-Encoding") == "gzip", encodings); !zipped {
				continue
			}
			assert.Less(t, w.Body.Len(), plain.Body.Len()/5, encodings)
			z, err := gzip.NewReader(w.Body)
			require.NoError(t, err)
			text, err := io.ReadAll(z)
			require.NoError(t, err)
			assert.Equal(t, plain.Body.String(), string(text), encodings)
		}
		w := asked(r, http.MethodHead, "")
		assert.Zero(t, w.Body.Len())
		assert.Equal(t, plain.Header().Get("Content-Length"), w.Header().Get("Content-Length"))
	})
}

// What an endpoint costs at each scrape: some 70 lines, not a hundred.
func TestAnEndpointIsFewSeries(t *testing.T) {
	r := large(3)
	before := strings.Count(scrape(t, r), "\n")
	r = large(4)
	assert.LessOrEqual(t, strings.Count(scrape(t, r), "\n")-before, 71)
}

func TestLabelsAreEscaped(t *testing.T) {
	for value, want := range map[string]string{
		`a"b\c`: `a\"b\\c`, "a\nb": `a\nb`, "ü": "ü", "a\xff\xfeb": "a\uFFFD\uFFFDb", "": "",
	} {
		assert.Equal(t, want, string(appendEscaped(nil, value)), "%q", value)
	}
}

func TestExpectedFailuresAreShownFromTheStart(t *testing.T) {
	r := New(Build{})
	r.ExpectFailures([]Failure{{"connect_failed", "upstream"}})
	u := r.Upstream("chat")
	r.Upstream("").Failed(Failure{"no_host", "client"})
	assert.Contains(t, scrape(t, r), `steelyard_failures_total{code="connect_failed",source="upstream",upstream="chat"} 0`)
	u.Failed(Failure{"connect_failed", "upstream"})
	u.Failed(Failure{"truncated_answer", "upstream"})
	text := scrape(t, r)
	assert.Contains(t, text, `steelyard_failures_total{code="connect_failed",source="upstream",upstream="chat"} 1`)
	assert.Contains(t, text, `steelyard_failures_total{code="truncated_answer",source="upstream",upstream="chat"} 1`)
	assert.Contains(t, text, `steelyard_failures_total{code="no_host",source="client",upstream=""} 1`)
	assert.NotContains(t, text, `code="connect_failed",source="upstream",upstream=""`)
}

// BenchmarkScrape is the work of one rendering, without its rests.
func BenchmarkScrape(b *testing.B) {
	for _, endpoints := range []int{3, 1000} {
		r := large(endpoints)
		b.Run(fmt.Sprintf("endpoints=%d", endpoints), func(b *testing.B) {
			b.ReportAllocs()
			var page [][]byte
			for b.Loop() {
				page = r.render(page)
			}
			size := 0
			for _, part := range page {
				size += len(part)
			}
			b.SetBytes(int64(size))
			b.ReportMetric(float64(size), "bytes")
		})
	}
}
