package app_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/discovery"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// stable is an actuator whose servers are in this process.
type stable struct {
	t *testing.T

	mu      sync.Mutex // guards what follows
	servers []autoscale.Replica
	serial  int
	orders  []string
	refuses error // of Count
	closed  bool
}

func (s *stable) start(n int) {
	for len(s.servers) < n {
		name := fmt.Sprintf("chat-%d", s.serial)
		s.serial++
		s.servers = append(s.servers, autoscale.Replica{Name: name, URL: backend(s.t, name).URL, Since: time.Now(), State: autoscale.Running})
	}
}

func (s *stable) Count(context.Context) (autoscale.Count, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return autoscale.Count{Wanted: len(s.servers), Running: len(s.servers), Replicas: slices.Clone(s.servers)}, s.refuses
}

func (s *stable) Scale(_ context.Context, o autoscale.Order) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders = append(s.orders, fmt.Sprintf("%d->%d %s", o.From, o.To, strings.Join(o.Victims, ",")))
	for _, v := range o.Victims {
		s.servers = slices.DeleteFunc(s.servers, func(r autoscale.Replica) bool { return r.Name == v })
	}
	s.start(o.To)
	return nil
}

func (s *stable) Run(ctx context.Context, _ func()) error { return nil }

func (s *stable) Close(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func (s *stable) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.orders)
}

// scaledConfig is one upstream that is scaled, as fast as a test wants it.
func scaledConfig(t *testing.T, more string) *configs.Config {
	t.Helper()
	cfg, err := configs.Parse("test.yaml", []byte(`
listen: [{address: "127.0.0.1:0"}]
admin: {address: "127.0.0.1:0"}
upstreams:
  - name: chat
    health: {interval: 100ms, timeout: 100ms, unhealthy_threshold: 1, healthy_threshold: 1}
    scale: {max: 3, slots: 8, dry_run: false, actuator: {kind: process, command: ["x", "{port}"]}`+more+`}
`), nil)
	require.NoError(t, err)
	s := cfg.Upstreams[0].Scale
	s.Interval, s.ScaleInAfter = 50*time.Millisecond, 300*time.Millisecond
	return unhurried(cfg)
}

func runScaled(t *testing.T, cfg *configs.Config, servers int) (*running, *stable) {
	t.Helper()
	a, err := app.New(cfg, app.Options{})
	require.NoError(t, err)
	s := &stable{t: t}
	s.start(servers)
	app.Actuate(a, "chat", s)
	return serveApp(t, a), s
}

// TestTheFirstRequestStartsTheFirstServer, one for all that wait.
func TestTheFirstRequestStartsTheFirstServer(t *testing.T) {
	r, s := runScaled(t, scaledConfig(t, ", min: 0"), 0)
	var clients sync.WaitGroup
	for range 5 {
		clients.Go(func() {
			answer, err := http.Get(r.url)
			if assert.NoError(t, err) {
				_ = answer.Body.Close()
				assert.Equal(t, http.StatusOK, answer.StatusCode)
			}
		})
	}
	clients.Wait()
	assert.Equal(t, []string{"0->1 "}, s.asked())
	eventually(t, "it is told", func() bool { return r.Events().Published(event.ScaleOut) == 1 })
}

// TestADryRunOnlyTells what would be done.
func TestADryRunOnlyTells(t *testing.T) {
	cfg := scaledConfig(t, ", min: 2")
	cfg.Upstreams[0].Scale.DryRun = true
	r, s := runScaled(t, cfg, 1)
	eventually(t, "it is told", func() bool { return r.Events().Published(event.WouldScale) == 1 })
	assert.Contains(t, body(t, r.admin+"/api/v1/autoscale"), `"reason": "1 → 2: at least 2 shall be there"`)
	assert.Empty(t, s.asked())
}

// TestAServerThatGoesFinishesItsStreams, and gets no new request meanwhile.
func TestAServerThatGoesFinishesItsStreams(t *testing.T) {
	cfg := scaledConfig(t, ", min: 1")
	cfg.Upstreams[0].Scale.ScaleInAfter = time.Hour
	r, s := runScaled(t, cfg, 2)
	eventually(t, "both serve", func() bool { return eligible(r, "chat-0") && eligible(r, "chat-1") })
	var streams []*http.Response
	var ends []context.CancelFunc
	for range 2 {
		ctx, end := context.WithCancel(t.Context())
		q, err := http.NewRequestWithContext(ctx, "GET", r.url+"/stream", nil)
		require.NoError(t, err)
		answer, err := http.DefaultClient.Do(q)
		require.NoError(t, err)
		streams, ends = append(streams, answer), append(ends, end)
	}
	require.NoError(t, r.Reload(scaledConfig(t, ", min: 1")))
	eventually(t, "one is to go", func() bool { return r.Events().Published(event.Departing) == 1 })
	buffer := make([]byte, 9)
	for range 100 {
		for _, a := range streams {
			_, err := a.Body.Read(buffer)
			require.NoError(t, err, "no stream is cut")
		}
	}
	require.Empty(t, s.asked())
	for _, end := range ends {
		end()
	}
	eventually(t, "it is stopped", func() bool { return len(s.asked()) == 1 })
	assert.Regexp(t, `^2->1 chat-[01]$`, s.asked()[0])
	eventually(t, "it is told", func() bool { return r.Events().Published(event.ScaleIn) == 1 })
}

// TestPausedIsPaused until it is resumed.
func TestPausedIsPaused(t *testing.T) {
	cfg := scaledConfig(t, ", min: 1")
	r, s := runScaled(t, cfg, 1)
	eventually(t, "it serves", func() bool { return eligible(r, "chat-0") })
	answer, err := http.Post(r.admin+"/api/v1/autoscale/chat/pause", "application/json", strings.NewReader(`{"reason": "racks move"}`))
	require.NoError(t, err)
	_ = answer.Body.Close()
	more := scaledConfig(t, ", min: 2")
	require.NoError(t, r.Reload(more))
	eventually(t, "two are wanted", func() bool { return strings.Contains(body(t, r.admin+"/api/v1/autoscale"), `"wanted": 2`) })
	require.Empty(t, s.asked())
	answer, err = http.Post(r.admin+"/api/v1/autoscale/chat/resume", "", nil)
	require.NoError(t, err)
	_ = answer.Body.Close()
	eventually(t, "it goes on", func() bool { return slices.Equal(s.asked(), []string{"1->2 "}) })
}

// TestWhoCannotBeAskedIsNotOrdered anything, which is told once, and once when it is over.
func TestWhoCannotBeAskedIsNotOrdered(t *testing.T) {
	cfg := scaledConfig(t, ", min: 2")
	a, err := app.New(cfg, app.Options{})
	require.NoError(t, err)
	s := &stable{t: t, refuses: errors.New("away")}
	app.Actuate(a, "chat", s)
	r := serveApp(t, a)
	eventually(t, "it is told", func() bool { return r.Events().Published(event.ScaleFailed) == 1 })
	require.Empty(t, s.asked())
	s.mu.Lock()
	s.refuses = nil
	s.mu.Unlock()
	eventually(t, "it goes on", func() bool { return slices.Equal(s.asked(), []string{"0->2 "}) })
	assert.EqualValues(t, 1, r.Events().Published(event.ScaleFailed))
	assert.EqualValues(t, 1, r.Events().Published(event.ScaleBack))
}

// TestTheEndOfScaling: the actuator is ended, at a reload that takes it away as at a shutdown.
func TestTheEndOfScaling(t *testing.T) {
	for _, reload := range []bool{true, false} {
		r, s := runScaled(t, scaledConfig(t, ", min: 1"), 1)
		eventually(t, "it serves", func() bool { return eligible(r, "chat-0") })
		if reload {
			require.NoError(t, r.Reload(config(t, "", endpoint("other", backend(t, "other").URL, 100))))
		} else {
			require.NoError(t, r.stop())
		}
		eventually(t, "it is ended", func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.closed
		})
	}
}

// TestTheFigureForOthers is unknown before anything was decided, and not there for an upstream that is not scaled.
func TestTheFigureForOthers(t *testing.T) {
	r, _ := runScaled(t, scaledConfig(t, ", min: 1"), 1)
	_, _, _, _, found := app.ScaleFigure(r.App, "other")
	assert.False(t, found)
	assert.Equal(t, []string{"chat"}, app.ScaledUpstreams(r.App))
	eventually(t, "it is known", func() bool {
		need, active, known, _, found := app.ScaleFigure(r.App, "chat")
		return found && known && need == 0 && !active
	})
	eventually(t, "it is shown", func() bool { return line(t, r, `steelyard_autoscale_current_endpoints{upstream="chat"}`) == "1" })
}

// TestWhoIsHeldIsNotMissed: while requests wait for a server that starts nobody is told that they are refused.
func TestWhoIsHeldIsNotMissed(t *testing.T) {
	cfg := scaledConfig(t, ", min: 0")
	r, _ := runScaled(t, cfg, 0)
	sink, _ := app.FindBy(r.App, "chat", "test", within)
	assert.Equal(t, "0", line(t, r, `steelyard_upstream_unavailable{upstream="chat"}`))
	sink.Found(discovery.List{Sure: true, Endpoints: []discovery.Endpoint{{Name: "a", URL: nowhere}}})
	eventually(t, "it is there", func() bool { return standing(r)["a"]&balancer.Arriving != 0 })
	assert.Equal(t, "0", line(t, r, `steelyard_upstream_unavailable{upstream="chat"}`))
	cfg.Upstreams[0].Scale.DryRun = true
	require.NoError(t, r.Reload(cfg))
	sink.Found(discovery.List{Sure: true})
	eventually(t, "it is gone", func() bool { return len(standing(r)) == 0 })
	eventually(t, "requests are refused", func() bool { return line(t, r, `steelyard_upstream_unavailable{upstream="chat"}`) == "1" })
}
