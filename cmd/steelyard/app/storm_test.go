package app_test

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/cost"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/configs"
)

// storm is a running gateway over moody servers, and all loads that it ever had.
type storm struct {
	*running
	servers []*moody
	loads   []*balancer.Load
	seen    map[string]bool // parts of the storm; counts of endpoints that go are lost
}

// TestStormLeavesNothing: fallbacks, retries, hedges, streams that are taken up, reloads, drains, clients that leave and waits that
// are too long, all at once, in upstreams that share their servers. After it every count is zero, and each slot can be
// used again. More requests are made for as long as something of this has not happened, which depends on the time.
func TestStormLeavesNothing(t *testing.T) {
	const seed, clients, each, rounds = 11, 16, 25, 50
	s := &storm{seen: map[string]bool{}}
	for i := range uint64(4) {
		s.servers = append(s.servers, newMoody(t, newDice(seed, i)))
	}
	s.running = run(t, s.parse(t, stormConfig(newDice(seed, 10), s.servers)))
	s.noteLoads()
	stop, reloading := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(reloading)
		s.unrest(t, newDice(seed, 11), stop)
	}()
	for round := range uint64(rounds) {
		var all sync.WaitGroup
		for i := range uint64(clients) {
			d := newDice(seed, 100+clients*round+i)
			all.Go(func() {
				for range each {
					call(strings.TrimPrefix(s.url, "http://"), d)
				}
			})
		}
		all.Wait()
		if s.missing(t) == "" {
			break
		}
	}
	close(stop)
	<-reloading
	require.Empty(t, s.missing(t), "the mix has lost something")
	s.settles(t)
	s.useEverySlot(t)
	s.settles(t)
}

func (s *storm) parse(t *testing.T, text string) *configs.Config {
	cfg, err := configs.Parse("storm.yaml", []byte(text), nil)
	if err != nil {
		t.Error(err) // not by the test's own goroutine
	}
	return cfg
}

// unrest puts other configurations in force, and drains endpoints, again and again.
func (s *storm) unrest(t *testing.T, d *dice, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(5+d.roll(30)) * time.Millisecond):
		}
		upstream, endpoint := d.of("chat", "code", "spare"), "s"+strconv.Itoa(d.roll(4))
		_, _ = app.DrainEndpoint(s.App, upstream, endpoint, d.roll(3) == 0) // it may not be there
		cfg := s.parse(t, stormConfig(d, s.servers))
		if cfg == nil || s.Reload(cfg) != nil {
			t.Error("a configuration was refused")
			return
		}
		s.noteLoads()
	}
}

// noteLoads is called after each change: a server that went, and comes back, may have another Load.
func (s *storm) noteLoads() {
	for _, snapshot := range s.Snapshots() {
		for _, e := range snapshot.Endpoints {
			if l := e.Endpoint.Load(); !slices.Contains(s.loads, l) {
				s.loads = append(s.loads, l)
			}
		}
	}
}

// missing is a part of the storm that has not been seen yet; "" if there is none.
func (s *storm) missing(t *testing.T) (missing string) {
	text := page(t, s.running)
	for _, what := range []string{
		`repeats_total{.*"status"`, `repeats_total{.*"silent"`, `repeats_total{.*"broken"`, `repeats_total{.*"cut"`,
		`hedges_total{.*"won"`, `hedges_total{.*"lost"`, `hedges_total{.*"failed"`, `fallbacks_total{`,
		`queue_refused_total{.*"timeout"`, `queue_refused_total{.*"full"`, `queue_wait_time_seconds_count{`,
		`cancellations_total{.*"queue"`, `cancellations_total{.*"first_byte"`, `cancellations_total{.*"stream"`,
	} {
		s.seen[what] = s.seen[what] || regexp.MustCompile(`(?m)^steelyard_`+what+`.* [1-9]`).MatchString(text)
		if !s.seen[what] {
			missing = what
		}
	}
	return missing
}

// settles waits until all that rises and falls is back at zero.
func (s *storm) settles(t *testing.T) {
	t.Helper()
	held := regexp.MustCompile(`(?m)^(steelyard_(in_flight_drift|requests_in_flight|requests_under_way|queue_requests)|steelyard_client_connections\{.*|steelyard_upstream_connections\{.*state="active").* -?[1-9]`)
	eventually(t, "no gauge to show anything", func() bool { return !held.MatchString(page(t, s.running)) })
	eventually(t, "no load to count anything", func() bool { return app.InFlight(s.App) == 0 })
	eventually(t, "no server to have anything to read or to write", func() bool {
		return !slices.ContainsFunc(s.loads, func(l *balancer.Load) bool {
			l.Server().Lock()
			defer l.Server().Unlock()
			return l.InFlight() != 0 || l.Server().State() != cost.State{}
		})
	})
	require.Zero(t, app.HeldBytes(s.App), "nothing is under way, so no body is held")
}

// useEverySlot has a request in each slot of all servers at the same time.
func (s *storm) useEverySlot(t *testing.T) {
	const slots = 2
	text := "listen: [{address: \"127.0.0.1:0\"}]\nadmin: {address: \"127.0.0.1:0\"}\nupstreams:\n"
	for _, name := range []string{"chat", "code"} {
		text += "  - {name: " + name + ", policy: least_cost, slow_start: 0s, outlier: off, queue: {hold_back: false, max_wait: 1m}, health: {interval: 500ms, timeout: 500ms}, endpoints: ["
		for i, server := range s.servers {
			text += "{name: s" + strconv.Itoa(i) + ", url: \"" + server.URL + "\", slots: " + strconv.Itoa(slots) + "},"
		}
		text += "]}\n"
	}
	require.NoError(t, s.Reload(s.parse(t, text+"routes: [{path: /chat, upstream: chat}, {path: /, upstream: code}]")))
	s.noteLoads()
	for i, server := range s.servers {
		server.calm.Store(true)
		for _, upstream := range []string{"chat", "code"} {
			_, err := app.DrainEndpoint(s.App, upstream, "s"+strconv.Itoa(i), false)
			require.NoError(t, err)
		}
	}
	var asked sync.WaitGroup
	for i := range slots * len(s.servers) {
		asked.Go(func() {
			answer, err := http.Get(s.url + []string{"/chat", "/code"}[i%2])
			if err != nil || answer.StatusCode != 200 {
				t.Errorf("a request failed: %v %v", answer, err)
			}
			if err == nil {
				_ = answer.Body.Close()
			}
		})
	}
	for _, server := range s.servers {
		eventually(t, "each slot to be in use", func() bool { return server.holding.Load() == slots })
	}
	for _, server := range s.servers {
		close(server.released)
	}
	asked.Wait()
	http.DefaultClient.CloseIdleConnections()
}
