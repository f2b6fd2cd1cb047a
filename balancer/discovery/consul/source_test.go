package consul

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
)

// heard is a sink with what it heard.
type heard struct {
	mu    sync.Mutex
	lists []discovery.List
	errs  []error
}

func (h *heard) Found(l discovery.List) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lists = append(h.lists, l)
}

func (h *heard) Failed(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.errs = append(h.errs, err)
}

func (h *heard) counts() (lists, errs int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.lists), len(h.errs)
}

func (h *heard) last(t *testing.T) discovery.List {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	require.NotEmpty(t, h.lists)
	return h.lists[len(h.lists)-1]
}

// run runs a source in a bubble until the returned function is called.
func run(t *testing.T, a *agent, change ...func(*Options)) (*heard, func()) {
	t.Helper()
	o := Options{URL: "http://consul.test:8500", Service: "chat", Transport: a}
	for _, f := range change {
		f(&o)
	}
	s, err := New(o)
	require.NoError(t, err)
	h := &heard{}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx, h)
	}()
	synctest.Wait()
	return h, func() {
		cancel()
		<-done
	}
}

// A change is known at once, a quiet Consul is asked every five minutes, and one that changes all the time once a second.
func TestBlockingQueries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAgent(entry("gpu-1", "10.0.0.1", "chat-1", 8000, nil))
		h, stop := run(t, a, func(o *Options) { o.Tag, o.Datacenter, o.Namespace = "big model", "dc2", "ml" })
		defer stop()
		assert.Equal(t, "/v1/health/service/chat?dc=dc2&ns=ml&passing=1&tag=big+model", a.asked()[0])
		assert.Equal(t, discovery.List{Version: "index 10", Endpoints: []discovery.Endpoint{{Name: "chat-1@gpu-1", URL: "http://10.0.0.1:8000"}}}, h.last(t))
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, "/v1/health/service/chat?dc=dc2&ns=ml&passing=1&tag=big+model&index=10&wait=300000ms", a.asked()[1])
		assert.Len(t, a.asked(), 2)
		a.change(func() { a.entries = append(a.entries, entry("gpu-2", "10.0.0.2", "chat-1", 8000, nil)) })
		synctest.Wait()
		assert.Len(t, h.last(t).Endpoints, 2)

		time.Sleep(time.Hour)
		synctest.Wait()
		assert.InDelta(t, 14, len(a.asked()), 2)
		before := len(a.asked())
		for range 600 {
			a.change(func() {})
			time.Sleep(100 * time.Millisecond)
		}
		assert.InDelta(t, 60, len(a.asked())-before, 2)
		_, errs := h.counts()
		assert.Zero(t, errs)
	})
}

// An index that goes back is not waited for, and 0 is never sent.
func TestIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAgent(entry("gpu-1", "10.0.0.1", "chat-1", 8000, nil))
		h, stop := run(t, a)
		defer stop()
		time.Sleep(time.Minute)
		a.change(func() { a.index, a.entries = 3, nil }) // restored from an old snapshot
		time.Sleep(10 * time.Second)
		synctest.Wait()
		assert.Equal(t, []string{"", "10", "", "3"}, indexes(a))
		assert.Empty(t, h.last(t).Endpoints)
		assert.False(t, h.last(t).Sure)

		a.change(func() { a.header = "0" })
		time.Sleep(10 * time.Second)
		synctest.Wait()
		got := indexes(a)
		assert.NotContains(t, got, "0")
		assert.Contains(t, got, "1")
		assert.LessOrEqual(t, len(got), 16, "no loop without a pause")
	})
	for _, c := range []struct {
		last uint64
		said string
		want uint64
	}{{0, "7", 7}, {7, "7", 7}, {7, "6", 0}, {0, "0", 1}, {9, "0", 1}, {9, "", 1}, {9, "-1", 1}, {9, "x", 1}, {0, "18446744073709551615", 1<<64 - 1}} {
		assert.Equal(t, c.want, next(c.last, c.said), "%d, %q", c.last, c.said)
	}
}

func indexes(a *agent) (all []string) {
	for _, query := range a.asked() {
		_, after, _ := strings.Cut(query, "&index=")
		index, _, _ := strings.Cut(after, "&")
		all = append(all, index)
	}
	return all
}

// Whatever is wrong with Consul is told, and never as an empty list; afterwards all goes on.
func TestWhatCanBeWrong(t *testing.T) {
	for name, c := range map[string]struct {
		do  func(a *agent)
		say string
	}{
		"away":         {func(a *agent) { a.down = errors.New("connection refused") }, "cannot be asked: connection refused"},
		"no leader":    {func(a *agent) { a.status, a.body = 500, "No cluster leader" }, `500 "No cluster leader"; Consul may have no leader`},
		"denied":       {func(a *agent) { a.status, a.body = 403, "Permission denied" }, "service:read, node:read"},
		"datacenter":   {func(a *agent) { a.status, a.body = 500, "No path to datacenter" }, "No path to datacenter"},
		"redirect":     {func(a *agent) { a.status, a.body = 301, "" }, "answered 301"},
		"a page":       {func(a *agent) { a.body = "<html>" }, "is something else there?"},
		"null":         {func(a *agent) { a.body = "null" }, "no list of instances"},
		"an object":    {func(a *agent) { a.body = "{}" }, "no list of instances"},
		"cut off":      {func(a *agent) { a.body = `[{"Node":{"Node":"a"` }, "no list of instances"},
		"a wrong type": {func(a *agent) { a.body = `[{"Service":{"Port":"80"}}]` }, "no list of instances"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAgent(entry("gpu-1", "10.0.0.1", "chat-1", 8000, nil))
				h, stop := run(t, a)
				defer stop()
				time.Sleep(10 * time.Second)
				a.change(func() { c.do(a) })
				time.Sleep(time.Minute)
				synctest.Wait()
				before, _ := h.counts()
				h.mu.Lock()
				require.NotEmpty(t, h.errs)
				assert.Contains(t, h.errs[0].Error(), c.say)
				assert.Contains(t, h.errs[0].Error(), "http://consul.test:8500")
				assert.Less(t, len(h.errs), 15)
				h.mu.Unlock()
				a.change(func() { a.down, a.status, a.body = nil, 0, "" })
				time.Sleep(40 * time.Second)
				synctest.Wait()
				lists, _ := h.counts()
				assert.Equal(t, before+1, lists)
				for _, l := range h.lists {
					assert.Len(t, l.Endpoints, 1)
				}
			})
		})
	}
}

// A query that is never answered ends in its time, and so does the source while one is under way.
func TestConsulThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAgent(entry("gpu-1", "10.0.0.1", "chat-1", 8000, nil))
		h, stop := run(t, a)
		time.Sleep(2 * time.Second)
		a.mu.Lock()
		a.hangs = true
		a.mu.Unlock()
		a.change(func() {})
		time.Sleep(2 * time.Minute)
		_, errs := h.counts()
		assert.Zero(t, errs, "it blocks, as it should")
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		_, errs = h.counts()
		assert.NotZero(t, errs)
		assert.ErrorContains(t, h.errs[0], "in time")
		began := time.Now()
		stop()
		assert.Zero(t, time.Since(began))
	})
}

func TestWhatInstancesSay(t *testing.T) {
	weight := func(n int) map[string]any {
		return map[string]any{"Weights": map[string]int{"Passing": n, "Warning": 1}}
	}
	meta := func(pairs ...string) map[string]any {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return map[string]any{"Meta": m}
	}
	for name, c := range map[string]struct {
		entries []map[string]any
		want    []discovery.Endpoint
	}{
		"the service's own address": {
			[]map[string]any{entry("gpu-1", "10.0.0.1", "chat-1", 8000, map[string]any{"Address": "fd00::1"})},
			[]discovery.Endpoint{{Name: "chat-1@gpu-1", URL: "http://[fd00::1]:8000"}},
		},
		"no port": {
			[]map[string]any{entry("gpu-1", "10.0.0.1", "chat-1", 0, nil)},
			[]discovery.Endpoint{{Name: "chat-1@gpu-1", URL: "http://10.0.0.1:8080"}},
		},
		"weights": {
			[]map[string]any{entry("a", "10.0.0.1", "1", 80, weight(10)), entry("b", "10.0.0.2", "1", 80, weight(1))},
			[]discovery.Endpoint{{Name: "1@a", URL: "http://10.0.0.1:80", Capacity: 10}, {Name: "1@b", URL: "http://10.0.0.2:80", Capacity: 1}},
		},
		"meta before weights": {
			[]map[string]any{entry("a", "10.0.0.1", "1", 80, weight(10)), entry("b", "10.0.0.2", "1", 80, meta("endpoint_capacity", "2.5", "endpoint_slots", "8", "endpoint_scheme", "https", "endpoint_name", "big", "endpoint_tier", "2"))},
			[]discovery.Endpoint{{Name: "1@a", URL: "http://10.0.0.1:80", Capacity: 10}, {Name: "big", URL: "https://10.0.0.2:80", Capacity: 2.5, Slots: 8, Tier: 2}},
		},
		"tags": {
			[]map[string]any{entry("a", "10.0.0.1", "1", 80, map[string]any{"Tags": []string{"prod", "endpoint_slots=4"}})},
			[]discovery.Endpoint{{Name: "1@a", URL: "http://10.0.0.1:80", Slots: 4}},
		},
		"an ID that is no name": {
			[]map[string]any{entry("a", "10.0.0.1", "chat/1", 80, nil)},
			[]discovery.Endpoint{{URL: "http://10.0.0.1:80"}},
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			h, stop := run(t, newAgent(c.entries...), func(o *Options) { o.Port = 8080 })
			assert.Equal(t, c.want, h.last(t).Endpoints, name)
			stop()
		})
	}
}

// What an instance says wrong is found by who believes lists, with its name; the others are taken.
func TestInstancesThatAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		with := func(node, address string, port int, key, value string) map[string]any {
			return entry(node, address, "1", port, map[string]any{"Meta": map[string]string{key: value}})
		}
		h, stop := run(t, newAgent(
			with("a", "10.0.0.1", 80, "endpoint_capacity", "much"), with("b", "10.0.0.1", 81, "endpoint_capacity", "0"), with("c", "10.0.0.1", 82, "endpoint_capacity", "-1"),
			with("d", "10.0.0.1", 83, "endpoint_slots", "8.5"), with("e", "10.0.0.1", 84, "endpoint_scheme", "ftp"), with("f", "169.254.169.254", 80, "", ""),
			with("g", "", 80, "", ""), with("h", "10.0.0.1", 0, "", ""), with("i", "10.0.0.1", 70000, "", ""), with("j", "10.0.0.1", -1, "", ""),
			with("k", "10.0.0.9/admin", 80, "", ""), with("l", "u:p@10.0.0.9", 80, "", ""), with("good", "10.0.0.1", 90, "", ""),
		))
		defer stop()
		good, faults, err := discovery.Check(h.last(t).Endpoints)
		require.NoError(t, err)
		require.Len(t, good, 1, "%v", good)
		assert.Equal(t, "1@good", good[0].Name)
		assert.Len(t, faults, 12)
	})
}

// endless is an answer that does not end.
type endless struct{}

func (endless) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(endless{}), Request: r}, nil
}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

func TestAnswerWithoutEnd(t *testing.T) {
	s, err := New(Options{URL: "http://consul.test:8500", Service: "chat", Transport: endless{}})
	require.NoError(t, err)
	_, err = s.ask(t.Context())
	require.ErrorContains(t, err, "more than 33554432 bytes")
}

// The token is read again at each query, since it may be renewed.
func TestToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte("first\n"), 0o600))
	synctest.Test(t, func(t *testing.T) {
		a := newAgent()
		h, stop := run(t, a, func(o *Options) { o.TokenFile = file })
		defer stop()
		time.Sleep(2 * time.Second)
		require.NoError(t, os.WriteFile(file, []byte("second\n"), 0o600))
		a.change(func() {})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		a.mu.Lock()
		assert.Equal(t, []string{"first", "first", "second"}, a.tokens)
		a.mu.Unlock()
		require.NoError(t, os.Remove(file))
		a.change(func() {})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		_, errs := h.counts()
		assert.NotZero(t, errs)
		assert.ErrorContains(t, h.errs[0], "token cannot be read")
	})
}

func TestOptionsThatAreRefused(t *testing.T) {
	for _, c := range []struct{ url, service, why string }{
		{"", "chat", "not the URL"}, {"consul:8500", "chat", "not the URL"}, {"ftp://c", "chat", "not the URL"}, {"http://", "chat", "not the URL"},
		{"http://u:sesame@c:8500", "chat", "token_file"}, {"http://c:8500/v1", "chat", "more than a host"}, {"http://c:8500?dc=1", "chat", "more than a host"},
		{"http://c c", "chat", "not a URL"}, {"http://c:", "chat", "more than a host"}, {"http://c:x", "chat", "not a URL"},
		{"http://c:8500", "", "no name"}, {"http://c:8500", "a/b", "no name of a service"}, {"http://c:8500", "a b", "no name of a service"},
		{"http://c:8500", strings.Repeat("a", 200), "no name of a service"},
	} {
		_, err := New(Options{URL: c.url, Service: c.service})
		require.ErrorContains(t, err, c.why, "%q, %q", c.url, c.service)
		assert.NotContains(t, err.Error(), "sesame")
	}
}
