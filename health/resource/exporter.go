// One exporter: asking it, and what it has said.

package resource

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/health/failure"
)

// exporter is asked for as long as a node follows it.
type exporter struct {
	url    string
	client *http.Transport
	cancel context.CancelFunc // nil: it does not run; guarded by the watch's mu
	nodes  map[*Node]bool     // that follow it; likewise

	mu           sync.Mutex // guards the rest
	began        time.Time
	last, before *reading
	failure      string
	kills        float64         // of processes, since it was first asked
	writable     map[string]bool // mount points that could once be written to
	lost         bool            // the nodes were told so
}

func newExporter(url string) *exporter {
	return &exporter{
		url: url, nodes: map[*Node]bool{}, began: time.Now(), writable: map[string]bool{},
		client: &http.Transport{
			DisableCompression: true, // it is asked for below, and bounded
			DisableKeepAlives:  true, // a quarter of a minute is longer than many keep a connection
			DialContext:        (&net.Dialer{Timeout: 5 * time.Second}).DialContext, TLSHandshakeTimeout: 5 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		},
	}
}

// run asks until ctx ends. The first question comes within a second, at a random moment, so that many exporters are not
// asked at once.
func (e *exporter) run(ctx context.Context, w *Watch) {
	timer := time.NewTimer(time.Duration(rand.Float64() * float64(time.Second)))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-timer.C:
			o := w.settings()
			e.ask(ctx, &o)
			w.tell(e, &o)
			spread := 0.95 + 0.1*rand.Float64()
			timer.Reset(max(0, time.Duration(spread*float64(o.Interval))-time.Since(now)))
		}
	}
}

// ask asks once and takes in what is said.
func (e *exporter) ask(ctx context.Context, o *Options) {
	limited, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	page, err := e.get(limited)
	if ctx.Err() != nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		e.failure = failure.Line(err, o.Timeout)
		return
	}
	e.take(newReading(time.Now(), page))
}

// take takes a reading in. The caller holds mu.
func (e *exporter) take(r *reading) {
	if e.last != nil {
		grown := increase(r.single[oomKills], e.last.single[oomKills])
		if !(grown >= 0) && r.single[oomKills] >= 0 && e.last.single[oomKills] >= 0 {
			grown = r.single[oomKills] // the machine has started again
		}
		e.kills += zeroIfUnknown(grown)
	}
	for at := range e.writable {
		if _, is := r.mounts[at]; !is {
			delete(e.writable, at) // containers mount and unmount all day
		}
	}
	for at, m := range r.mounts {
		if !m.readOnly {
			e.writable[at] = true
		}
	}
	e.before, e.last, e.failure = e.last, r, ""
}

func (e *exporter) get(ctx context.Context) ([]sample, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "steelyard-resources")
	request.Header.Set("Accept", "text/plain;version=0.0.4, */*;q=0.1")
	request.Header.Set("Accept-Encoding", "gzip")
	response, err := e.client.RoundTrip(request) // redirections lead where nobody has said
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", response.StatusCode)
	}
	body := io.Reader(response.Body)
	switch form := strings.ToLower(response.Header.Get("Content-Encoding")); form {
	case "", "identity":
	case "gzip":
		if body, err = gzip.NewReader(io.LimitReader(response.Body, pageLimit)); err != nil {
			return nil, fmt.Errorf("unpack it: %w", err)
		}
	default:
		return nil, fmt.Errorf("it is compressed by %s, which was not asked for", failure.Short(form))
	}
	return readPage(body)
}

// source is what is known of the exporter itself. The caller holds mu.
func (e *exporter) source(now time.Time, o *Options) Source {
	s := Source{URL: e.url, Heard: e.last != nil, Failure: e.failure, Age: now.Sub(e.began)}
	if s.Heard {
		s.Age = now.Sub(e.last.at)
	} else if s.Failure == "" {
		s.Failure = "nothing has been heard yet"
	}
	s.Stale = !s.Heard || s.Age > o.fresh()
	return s
}

// figures are those of an endpoint that has a part of the machine. The caller holds mu.
func (e *exporter) figures(of *Of) Figures {
	f := e.last.figures(e.before, of)
	if e.last.single[oomKills] >= 0 {
		f.OOMKills = e.kills
	}
	for at, m := range e.last.mounts {
		if m.readOnly && e.writable[at] && among(of.Mounts, at) && (f.ReadOnly == "" || at < f.ReadOnly) {
			f.ReadOnly = at
		}
	}
	return f
}
