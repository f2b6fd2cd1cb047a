// Rendering the page for Prometheus, and serving it.

package metrics

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

const (
	// fresh is how long one rendering serves all who scrape.
	fresh = time.Second
	// A page is sent in pieces with a rest after each: a scraper that asks again and
	// again must not take a core.
	sendPiece = 64 << 10
	sendRest  = time.Millisecond
)

// exposition renders the page that Prometheus reads: at most once a second and one at a time,
// however many ask. It needs only its registry to be ready.
type exposition struct {
	registry *Registry // immutable

	mu     sync.Mutex // held while rendering
	at     time.Time  // when plain was begun
	plain  [][]byte   // immutable once here; sent by many at once
	zipped [][]byte   // the same, compressed; nil until somebody asks for it
}

// Handler serves the exposition, at most a second old.
func (r *Registry) Handler() http.Handler { return &r.exposition }

// Page is the exposition of this moment, for readers inside the program.
func (r *Registry) Page() io.Reader {
	return bytes.NewReader(bytes.Join(r.render(nil), nil))
}

func (x *exposition) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	zip := acceptsGzip(r.Header.Values("Accept-Encoding"))
	parts := x.get(zip)
	h := w.Header()
	h.Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	h.Set("Vary", "Accept-Encoding")
	if zip {
		h.Set("Content-Encoding", "gzip")
	}
	size := 0
	for _, part := range parts {
		size += len(part)
	}
	h.Set("Content-Length", strconv.Itoa(size))
	if r.Method == http.MethodHead {
		return
	}
	send(w, parts)
}

// send writes the parts. A scraper that has gone is no error of ours.
func send(w io.Writer, parts [][]byte) {
	sent := 0
	for _, part := range parts {
		for len(part) > 0 {
			piece := part[:min(len(part), sendPiece-sent)]
			if _, err := w.Write(piece); err != nil {
				return
			}
			part = part[len(piece):]
			if sent += len(piece); sent == sendPiece {
				time.Sleep(sendRest)
				sent = 0
			}
		}
	}
}

// get returns the page, at most a second old.
func (x *exposition) get(zip bool) [][]byte {
	x.mu.Lock()
	defer x.mu.Unlock()
	if now := time.Now(); x.plain == nil || now.Sub(x.at) >= fresh {
		x.at, x.plain, x.zipped = now, x.registry.render(x.plain), nil
	}
	if !zip {
		return x.plain
	}
	if x.zipped == nil {
		x.zipped = compress(x.plain)
	}
	return x.zipped
}

// render writes a page. The parts of the last one, if any, tell how much room each needs.
func (r *Registry) render(last [][]byte) [][]byte {
	s := page{parts: make([][]byte, len(families), len(families)+1)}
	for i := range min(len(last), len(families)) {
		s.parts[i] = make([]byte, 0, len(last[i])+len(last[i])/16)
	}
	r.collect(&s)
	var process bytes.Buffer
	all, _ := prometheus.Gatherers{r.own, r.prometheus}.Gather() // what could be gathered is shown
	for _, f := range all {
		_, _ = expfmt.MetricFamilyToText(&process, f)
	}
	return append(s.parts, process.Bytes())
}

// compress zips the parts, lightly.
func compress(parts [][]byte) [][]byte {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		panic("BUG: gzip has no such level: " + err.Error())
	}
	var pace pacer
	for _, part := range parts {
		for len(part) > 0 {
			piece := part[:min(len(part), 16<<10)]
			_, _ = z.Write(piece)
			part = part[len(piece):]
			pace.breathe()
		}
	}
	_ = z.Close()
	return [][]byte{out.Bytes()}
}

// acceptsGzip says whether the client takes gzip (RFC 9110 12.5.3).
func acceptsGzip(accepted []string) bool {
	for _, list := range accepted {
		for element := range strings.SplitSeq(list, ",") {
			coding, parameters, _ := strings.Cut(element, ";")
			if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
				continue
			}
			_, q, weighed := strings.Cut(parameters, "=")
			weight, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
			return !weighed || err == nil && weight > 0
		}
	}
	return false
}
