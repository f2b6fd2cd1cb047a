package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/event"
	"github.com/steelyard-proxy/steelyard/metrics/history"
)

// remembered is a server with a history of a minute, and events.
func remembered(o *Options, s *running) {
	now := time.Now()
	h := history.New(now.Add(-time.Minute))
	for at := -time.Minute; at <= 0; at += history.Every {
		for range 10 {
			h.Add(now.Add(at), history.Finished{Upstream: "chat", Endpoint: "small", Failed: at == 0, Response: 200 * time.Millisecond, FirstByte: 50 * time.Millisecond, Tokens: 30})
		}
		h.Step(now.Add(at), []history.State{{Upstream: "chat", Waiting: 7, Endpoints: []history.EndpointState{{Endpoint: "small", InFlight: 3}}}})
	}
	o.History = h
	oneEvent(o, s)
}

func configured(o *Options, _ *running) {
	o.Config = func() ([]byte, error) { return []byte("listen: []\n"), nil }
}

// watched has as many viewers as there may be.
func watched(_ *Options, s *running) {
	for range maxViewers {
		s.begun = append(s.begun, func() { follow(s.t, s, "/api/v1/snapshot") })
	}
}

func theSnapshot(t *testing.T, s *running) (shot snapshot) {
	t.Helper()
	got := s.do("GET", "/api/v1/snapshot", "")
	require.Equal(t, 200, got.StatusCode, "%s", got.body)
	got.into(t, &struct{ Verdict, Stations, Totals, Upstreams any }{})
	require.NoError(t, json.Unmarshal(got.body, &shot))
	return shot
}

// TestVerdict: what is not well is told with why, since when, and what was done about it.
func TestVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*running, *event.Log)
		level  string
		texts  []string // of the reasons, in their order
		done   string   // of the first
	}{
		"well":    {func(*running, *event.Log) {}, well, nil, ""},
		"drained": {func(s *running, _ *event.Log) { _, _ = s.fleet.Drain("chat", "small", true, "disk") }, trouble, []string{"chat has no eligible endpoint: its requests are refused"}, ""},
		"a failed probe": {func(s *running, l *event.Log) {
			s.down(1)
			l.Publish(event.Event{Kind: event.ProbeFailed, Upstream: "chat", Endpoint: "[::1]:9002/a b", Action: "no requests"})
		}, watch, []string{"[::1]:9002/a b does not pass its probes"}, "no requests"},
		"unreachable": {func(s *running, _ *event.Log) { s.fleet.upstreams[0].Endpoints[0].Unreachable = true }, watch, []string{"small cannot be reached"}, "others get its requests"},
		"overload":    {func(_ *running, l *event.Log) { l.Publish(event.Event{Kind: event.Shed, Action: "the lowest first"}) }, trouble, []string{"There is too much to do: requests are refused"}, "the lowest first"},
		"overload over": {func(_ *running, l *event.Log) {
			l.Publish(event.Event{Kind: event.Shed})
			l.Publish(event.Event{Kind: event.ShedOver})
		}, well, nil, ""},
		"refused reload": {func(s *running, _ *event.Log) { s.ready.LastReload = Reload{At: time.Now(), Error: "bad"} }, watch, []string{"The last configuration was refused"}, "the old configuration stays"},
		"panic":          {func(s *running, _ *event.Log) { s.fleet.upstreams[0].Panicking = true }, trouble, []string{"Too few endpoints of chat are left: those that should get no requests get them all the same"}, ""},
		"long queue":     {func(s *running, _ *event.Log) { s.fleet.upstreams[0].Queue.OldestSeconds = 9 }, watch, []string{"7 requests wait for chat, the oldest for 9 s"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			log := event.NewLog(nil)
			s := start(t, func(o *Options, s *running) {
				o.Events = log
				s.fleet.upstreams[0].Endpoints[1].Conditions, s.fleet.upstreams[0].Endpoints[1].Unreachable, s.fleet.upstreams[1].Spilled = nil, false, false
			})
			c.change(s, log)
			v := theSnapshot(t, s).Verdict
			assert.Equal(t, c.level, v.Level)
			var texts []string
			for _, r := range v.Reasons {
				texts = append(texts, r.Text)
			}
			assert.Equal(t, c.texts, texts)
			if len(v.Reasons) > 0 {
				assert.Equal(t, c.done, v.Reasons[0].Done)
			}
			assert.False(t, v.Since.IsZero())
		})
	}
}

// down makes an endpoint of chat fail its probes.
func (s *running) down(i int) {
	e := &s.fleet.upstreams[0].Endpoints[i]
	e.Eligible, e.Conditions = false, []Condition{{Name: ProbeFailed, Reason: "connect: connection refused", Since: time.Now()}}
}

// TestSnapshotStaysSmall: whatever the fleet, the worst endpoints are told.
func TestSnapshotStaysSmall(t *testing.T) {
	s := start(t, func(_ *Options, s *running) {
		u := &s.fleet.upstreams[0]
		u.Endpoints, s.fleet.upstreams[1].Spilled = nil, false
		for i := range 5000 {
			e := Endpoint{Name: fmt.Sprintf("%s-%d", strings.Repeat("n", 120), i), URL: "http://127.0.0.1:1", Capacity: 1, Eligible: true, Slots: 8}
			if i%50 == 7 {
				e.Eligible, e.Conditions = false, []Condition{{Name: ProbeFailed, Reason: strings.Repeat("why ", 60), Since: time.Now()}}
			}
			u.Endpoints = append(u.Endpoints, e)
		}
	})
	got := s.do("GET", "/api/v1/snapshot", "")
	require.Equal(t, 200, got.StatusCode)
	assert.LessOrEqual(t, len(got.body), mostBytes)
	shot := theSnapshot(t, s)
	assert.Equal(t, 5001, shot.Totals.Endpoints)
	shown, down := 0, 0
	for _, u := range shot.Upstreams {
		for _, e := range u.Endpoints {
			shown++
			if len(e.Conditions) > 0 {
				down++
			}
		}
	}
	assert.Equal(t, 5001, shown+shot.LeftOut)
	assert.Positive(t, down)
	assert.Equal(t, mostReasons, len(shot.Verdict.Reasons))
	assert.Equal(t, 100-mostReasons, shot.Verdict.More)
}

// TestSnapshotsAreShared: one is made each second for all who watch, and none while nobody does.
func TestSnapshotsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := 0
		v := viewers{slots: map[chan []byte]struct{}{}, take: func(time.Time) ([]byte, error) { made++; return fmt.Appendf(nil, "%d", made), nil }}
		time.Sleep(time.Minute)
		require.Zero(t, made, "nobody watches")
		var slots []chan []byte
		for range maxViewers {
			slot, joined := v.join()
			require.True(t, joined)
			slots = append(slots, slot)
		}
		_, joined := v.join()
		require.False(t, joined)
		time.Sleep(10*time.Second + time.Millisecond)
		synctest.Wait()
		require.Equal(t, 10, made)
		for _, slot := range slots {
			require.Equal(t, "data: 10\n\n", string(<-slot), "the latest wins")
			require.Empty(t, slot)
		}
		for _, slot := range slots {
			v.leave(slot)
		}
		time.Sleep(time.Minute)
		require.Equal(t, 10, made)
		text, err := v.fresh(time.Now())
		require.NoError(t, err)
		require.Equal(t, "11", string(text))
	})
}

func TestViewersGetSnapshots(t *testing.T) {
	s := start(t, remembered)
	f := follow(t, s, "/api/v1/snapshot")
	assert.Equal(t, "no", f.Header.Get("X-Accel-Buffering"))
	for range 2 {
		data, is := strings.CutPrefix(f.next(), "data: ")
		require.True(t, is)
		var shot snapshot
		require.NoError(t, json.Unmarshal([]byte(data), &shot))
		assert.Equal(t, "chat", shot.Upstreams[0].Name)
		assert.Len(t, shot.Stations, 6)
		assert.NotNil(t, shot.Upstreams[0].Endpoints[0].Recent.ResponseP50)
	}
}

// TestAViewerThatCannotKeepUpIsDropped, and makes nobody else wait.
func TestAViewerThatCannotKeepUpIsDropped(t *testing.T) {
	s := start(t, func(_ *Options, s *running) {
		e := &s.fleet.upstreams[0].Endpoints
		for i := range 150 {
			*e = append(*e, Endpoint{Name: fmt.Sprint("e", i), URL: strings.Repeat("u", 1000), Capacity: 1})
		}
	})
	c, err := net.Dial("tcp", s.url[len("http://"):])
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.(*net.TCPConn).SetReadBuffer(4<<10))
	_, err = io.WriteString(c, "GET /api/v1/snapshot HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
	require.NoError(t, err)
	count := func() int {
		s.server.viewers.mu.Lock()
		defer s.server.viewers.mu.Unlock()
		return len(s.server.viewers.slots)
	}
	require.Eventually(t, func() bool { return count() == 1 }, time.Minute, time.Millisecond)
	good := follow(t, s, "/api/v1/snapshot")
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(io.Discard, good.Body)
	}()
	require.Eventually(t, func() bool {
		s.server.viewers.show(time.Now()) // sooner than in a second
		return count() == 1
	}, time.Minute, 5*time.Millisecond, "the one that does not read is dropped, the other goes on")
	select {
	case <-read:
		t.Fatal("the other one was dropped")
	default:
	}
	_ = good.Body.Close()
	<-read
}

func TestHistoryAnswers(t *testing.T) {
	s := start(t, remembered)
	get := func(query string) answered { return s.do("GET", "/api/v1/history?"+query, "") }
	var told historyAnswer
	get("series=requests:chat&series=share:chat/small&step=5").into(t, &told)
	require.Len(t, told.Series, 2)
	assert.Equal(t, "requests/s", told.Series[0].Unit)
	known := 0
	for _, v := range told.Series[0].Values {
		if v != nil {
			known++
			assert.InDelta(t, 2, *v, 1)
		}
	}
	assert.Greater(t, known, 5)
	assert.LessOrEqual(t, len(told.At), history.MostPoints)
	for query, want := range map[string]string{
		"":                                       "name at least one",
		"series=request:chat":                    "no series is named",
		"series=requests:chat&from=x":            "from=",
		"series=requests:chat&to=NaN":            "to=",
		"series=requests:chat&step=-1":           "step=",
		"series=requests:chat&from=2&to=1":       "from: is later than to",
		strings.Repeat("series=queue:chat&", 21): "at most 20",
	} {
		got := get(query)
		assert.Equal(t, 400, got.StatusCode, query)
		assert.Contains(t, got.message(t), want, query)
	}
	var e errorAnswer
	get("series=request:chat").into(t, &e)
	assert.Equal(t, "requests:chat", e.Error.Known[0])
}

// BenchmarkFiftyViewers is what a second costs while fifty watch a fleet of 64 endpoints: encoding once and sending it to each.
// The bar is 20 ms, 2 % of a core.
func BenchmarkFiftyViewers(b *testing.B) {
	fleet := newFleet()
	for i := range 62 {
		fleet.upstreams[0].Endpoints = append(fleet.upstreams[0].Endpoints, Endpoint{Name: fmt.Sprint("gpu", i), URL: "http://127.0.0.1:9", Capacity: 100, Slots: 8, Eligible: true})
	}
	o := Options{Fleet: fleet, Ready: func() Readiness { return Readiness{} }, Metrics: nopHandler{}}
	remembered(&o, nil)
	server := New(o)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx, ln) }()
	defer func() { stop(); <-ended }()
	var frames atomic.Int64
	for range 50 {
		r, err := http.NewRequestWithContext(ctx, "GET", "http://"+ln.Addr().String()+"/api/v1/snapshot", nil)
		require.NoError(b, err)
		r.Header.Set("Accept", "text/event-stream")
		got, err := (&http.Transport{}).RoundTrip(r)
		require.NoError(b, err)
		defer got.Body.Close()
		go func() {
			buffer := make([]byte, 64<<10)
			for {
				n, err := got.Body.Read(buffer)
				if n > 2 && string(buffer[n-2:n]) == "\n\n" {
					frames.Add(1)
				}
				if err != nil {
					return
				}
			}
		}()
	}
	for b.Loop() {
		before := frames.Load()
		server.viewers.show(time.Now())
		for frames.Load() < before+50 {
			runtime.Gosched()
		}
	}
}

// TestARoomThatPanicsEndsNothing: the page gets no snapshot then, and the gateway goes on.
func TestARoomThatPanicsEndsNothing(t *testing.T) {
	var broken atomic.Bool
	s := start(t, func(o *Options, _ *running) {
		o.Alerts = func() Alerts {
			if broken.Load() {
				panic("broken")
			}
			return Alerts{}
		}
	})
	f := follow(t, s, "/api/v1/snapshot")
	f.next()
	broken.Store(true)
	s.server.viewers.show(time.Now())
	got := s.do("GET", "/api/v1/snapshot", "")
	if got.StatusCode != 200 { // of the second before
		assert.Contains(t, got.message(t), "panicked")
	}
	broken.Store(false)
	assert.True(t, strings.HasPrefix(f.next(), "data: "))
}
