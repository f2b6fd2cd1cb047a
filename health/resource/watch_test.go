package resource

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// heard is what a sink was told.
type heard struct {
	mu   sync.Mutex
	list []string
}

func (h *heard) Lost(url, why string) { h.add("lost " + url + ": " + why) }
func (h *heard) Heard(url string)     { h.add("heard " + url) }

func (h *heard) add(s string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, s)
}

func (h *heard) take() (list []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	list, h.list = h.list, nil
	return list
}

// say has an exporter say a page now.
func say(t *testing.T, w *Watch, url, text string) {
	t.Helper()
	samples, err := readPage(strings.NewReader(text))
	require.NoError(t, err)
	w.mu.Lock()
	e := w.exporters[url]
	w.mu.Unlock()
	e.mu.Lock()
	e.take(newReading(time.Now(), samples))
	e.mu.Unlock()
	o := w.settings()
	w.tell(e, &o)
}

const half = "node_memory_MemTotal_bytes 10\nnode_memory_MemAvailable_bytes 5\n"

// What is older than three intervals is not known, and whoever follows is told once.
func TestStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, h := New(Options{}), &heard{}
		n := w.Follow([]string{"http://a/"}, Of{}, h)
		r := n.Report()
		require.True(t, r.Stale)
		require.Equal(t, "nothing has been heard yet", r.Sources[0].Failure)
		require.True(t, math.IsNaN(r.Ratios[Memory]))
		say(t, w, "http://a/", half)
		require.InDelta(t, 0.5, n.Report().Ratios[Memory], 1e-9)
		e, o := w.exporters["http://a/"], w.settings()
		time.Sleep(45 * time.Second)
		w.tell(e, &o)
		require.False(t, n.Report().Stale)
		require.Empty(t, h.take())
		time.Sleep(time.Second)
		e.failure = "status 500"
		w.tell(e, &o)
		w.tell(e, &o)
		r = n.Report()
		require.Equal(t, []string{"lost http://a/: status 500"}, h.take())
		require.True(t, r.Stale)
		require.Equal(t, 46*time.Second, r.Age)
		require.True(t, math.IsNaN(r.Ratios[Memory]), "never what it was, and never 0")
		say(t, w, "http://a/", half)
		require.Equal(t, []string{"heard http://a/"}, h.take())
		require.InDelta(t, 0.5, n.Report().Ratios[Memory], 1e-9)
		n.End()
		require.Empty(t, w.exporters)
	})
}

// Ten endpoints of one machine ask its exporter once.
func TestOneExporterForMany(t *testing.T) {
	w := New(Options{})
	var nodes []*Node
	for range 3 {
		nodes = append(nodes, w.Follow([]string{"http://a/", "http://b/"}, Of{}, &heard{}))
	}
	require.Len(t, w.exporters, 2)
	say(t, w, "http://a/", half)
	for _, n := range nodes {
		r := n.Report()
		require.InDelta(t, 0.5, r.Ratios[Memory], 1e-9)
		require.True(t, r.Stale, "the other one has said nothing")
	}
	nodes[0].End()
	nodes[0].End()
	require.Len(t, w.exporters, 2)
	nodes[1].End()
	nodes[2].End()
	require.Empty(t, w.exporters)
}

// Of two that tell of the same the first one counts, while it is heard.
func TestFirstOneCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(Options{})
		n := w.Follow([]string{"http://a/", "http://b/"}, Of{}, &heard{})
		say(t, w, "http://a/", half)
		say(t, w, "http://b/", strings.ReplaceAll(half, "5", "1")+"vllm:kv_cache_usage_perc 0.25\n")
		near(t, map[Resource]float64{Memory: 0.5, Cache: 0.25}, n.Report().Figures)
		time.Sleep(46 * time.Second)
		say(t, w, "http://b/", strings.ReplaceAll(half, "5", "1"))
		near(t, map[Resource]float64{Memory: 0.9}, n.Report().Figures)
	})
}

// Kills are counted from the first page on, over restarts of the machine; a mount counts as read-only that was not so.
func TestKillsAndReadOnly(t *testing.T) {
	w := New(Options{})
	n := w.Follow([]string{"http://a/"}, Of{}, &heard{})
	page := func(kills, readOnly int) string {
		return fmt.Sprintf("node_vmstat_oom_kill %d\nnode_filesystem_readonly{fstype=\"ext4\",mountpoint=\"/models\"} %d\nnode_filesystem_readonly{fstype=\"ext4\",mountpoint=\"/boot\"} 1\n", kills, readOnly)
	}
	for i, c := range []struct {
		kills, readOnly int
		want            float64
		at              string
	}{{7, 0, 0, ""}, {7, 0, 0, ""}, {9, 1, 2, "/models"}, {1, 1, 3, "/models"}, {1, 0, 3, ""}} {
		say(t, w, "http://a/", page(c.kills, c.readOnly))
		r := n.Report()
		require.Equal(t, c.want, r.OOMKills, "%d", i)
		require.Equal(t, c.at, r.ReadOnly, "%d", i)
	}
}

// The answers of a bad exporter, over a socket.
func TestAnswers(t *testing.T) {
	hangs := make(chan struct{})
	served := map[string]func(http.ResponseWriter, *http.Request){
		"/plain": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, half) },
		"/gzip": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", r.Header.Get("Accept-Encoding"))
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, half)
			_ = z.Close()
		},
		"/bomb": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			line := []byte("# " + strings.Repeat(" ", 1<<20) + "\n")
			for range 9 {
				_, _ = z.Write(line)
			}
			_ = z.Close()
		},
		"/packed": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Encoding", "br") },
		"/moved":  func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/plain", http.StatusFound) },
		"/broken": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, half)
		},
		"/other": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html></html>") },
		"/hangs": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hangs:
			case <-r.Context().Done():
			}
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { served[r.URL.Path](w, r) }))
	defer server.Close()
	defer close(hangs)
	for path, want := range map[string]string{
		"/plain": "", "/gzip": "", "/bomb": "the answer is over 8 MiB", "/packed": "compressed by br", "/moved": "status 302",
		"/broken": "unexpected EOF", "/other": "none of its metrics is about a node", "/hangs": "no answer within 50ms",
	} {
		e, o := newExporter(server.URL+path), Options{}.withDefaults()
		if path == "/hangs" {
			o.Timeout = 50 * time.Millisecond
		} else {
			o.Timeout = time.Minute
		}
		e.ask(context.Background(), &o)
		if want == "" {
			require.Empty(t, e.failure, path)
			require.NotNil(t, e.last, path)
			continue
		}
		require.Contains(t, e.failure, want, path)
		require.Nil(t, e.last, path)
	}
	e, o := newExporter("http://127.0.0.1:1/"), Options{}.withDefaults()
	e.ask(context.Background(), &o)
	require.Contains(t, e.failure, "refused")
}

// Run asks whoever is followed, before it and after, and nobody who no longer is.
func TestRun(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = io.WriteString(w, half)
	}))
	defer server.Close()
	w := New(Options{Interval: time.Millisecond})
	first := w.Follow([]string{server.URL}, Of{}, &heard{})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		_ = w.Run(ctx)
		close(ended)
	}()
	fresh := func(n *Node) func() bool { return func() bool { return !n.Report().Stale } }
	require.Eventually(t, fresh(first), time.Minute, time.Millisecond)
	second := w.Follow([]string{server.URL + "/2"}, Of{}, &heard{})
	require.Eventually(t, fresh(second), time.Minute, time.Millisecond)
	first.End()
	w.Configure(Options{Interval: time.Hour})
	second.End()
	cancel()
	<-ended
	require.Greater(t, asked.Load(), int64(1))
	w.Follow([]string{server.URL + "/3"}, Of{}, &heard{}).End() // after the end nothing begins
}

// TestMountsThatComeAndGo, as those of containers do, are not kept.
func TestMountsThatComeAndGo(t *testing.T) {
	e := newExporter("http://a:9100/metrics")
	for i := range 100 {
		e.take(newReading(time.Now(), nil))
		e.last.mounts[fmt.Sprintf("/run/%d", i)] = &mount{}
		e.take(e.last)
	}
	require.Len(t, e.writable, 1)
}
