package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeFleet is three endpoints in two upstreams, drained by a map.
type fakeFleet struct {
	mu        sync.Mutex // guards all fields
	upstreams []Upstream
	refusal   error  // what Drain returns
	onDrain   func() // called first by Drain, under mu
}

func newFleet() *fakeFleet {
	return &fakeFleet{upstreams: []Upstream{
		{Name: "chat", Policy: "capacity", Note: "at 10 requests/s", Queue: Queue{Waiting: 7, OldestSeconds: 0.25, DrainRate: 12.5}, Endpoints: []Endpoint{
			{
				Name: "small", URL: "http://127.0.0.1:9001", Capacity: 100, EffectiveCapacity: 100, Comeback: "settled", RampRatio: 1, Slots: 4, ShareRatio: 1,
				InFlight: 3, Eligible: true, Busy: true, Connections: Connections{Idle: 2, Active: 3},
				Cost:   &Cost{Reading: 1, ReadingTokens: 900, Writing: 2, ContextTokens: 4000, CachedBlocks: 7, ReadRate: new(9000.0)},
				Signal: &Signal{Engine: "vllm", AgeSeconds: 0.5, Running: new(7.5), ForeignRunning: 2.5, Restarts: 1},
				Resources: &Resources{
					Ratios: map[string]float64{"cpu": 0.5, "disk": 0.25}, AgeSeconds: 50, Stale: true, FullestDisk: "/models", ReadOnly: "/models", OOMKills: new(1.0),
					Temperature: new(71.5), Power: new(300.0), GPUError: new(79.0),
					Sources: []ResourceSource{{URL: "http://a:9100/metrics", AgeSeconds: 50, Stale: true, Failure: "status 500"}},
				},
			},
			{
				Name: "[::1]:9002/a b", URL: "http://[::1]:9002", Capacity: 200, EffectiveCapacity: 200, Comeback: "away", RampRatio: 1, Unreachable: true,
				Conditions: []Condition{{ProbeFailed, "connect: connection refused", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), nil}},
			},
		}},
		{Name: "embed/v2", Policy: "capacity", Spilled: true, Fallback: "chat", Endpoints: []Endpoint{
			{Name: "only", URL: "https://10.0.0.1:443", Capacity: 1.5, EffectiveCapacity: 1.5, Tier: 1, Standby: true, Cooling: true, Comeback: "on_trial", RampRatio: 0.5, TrialRequests: 2, ShareRatio: 1, Eligible: true},
		}},
	}}
}

// Upstreams returns a copy, as a snapshot would be.
func (f *fakeFleet) Upstreams() []Upstream {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := slices.Clone(f.upstreams)
	for i := range c {
		c[i].Endpoints = slices.Clone(c[i].Endpoints)
	}
	return c
}

func (f *fakeFleet) Drain(upstream, endpoint string, on bool, reason string) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.onDrain != nil {
		f.onDrain()
	}
	if f.refusal != nil {
		return false, f.refusal
	}
	u, _ := find(f.upstreams, upstream)
	e, _ := u.find(endpoint)
	if e.has(Draining) == on {
		return false, nil
	}
	e.Eligible = !on
	if on {
		e.Conditions = append(e.Conditions, Condition{Draining, reason, time.Now(), nil})
	} else {
		e.Conditions = slices.DeleteFunc(e.Conditions, func(c Condition) bool { return c.Name == Draining })
	}
	return true, nil
}

// running is a server on a loopback port and what it was given.
type running struct {
	t      *testing.T
	fleet  *fakeFleet
	ready  Readiness
	url    string
	stop   context.CancelFunc
	ended  chan error
	client *http.Client
	begun  []func() // called once it serves
	server *Server
}

// start serves until the test ends; change may alter what the server is given.
func start(t *testing.T, change ...func(*Options, *running)) *running {
	t.Helper()
	s := &running{t: t, fleet: newFleet(), ended: make(chan error, 1), client: &http.Client{}}
	o := Options{
		Fleet: s.fleet,
		Ready: func() Readiness { return s.ready },
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			_, _ = io.WriteString(w, "up 1\n")
		}),
	}
	for _, c := range change {
		c(&o, s)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	s.stop, s.url = stop, "http://"+ln.Addr().String()
	server := New(o)
	s.server = server
	go func() { s.ended <- server.Run(ctx, ln) }()
	t.Cleanup(func() {
		s.client.CloseIdleConnections()
		stop()
		if err, open := <-s.ended; open {
			require.NoError(t, err)
		}
	})
	for _, f := range s.begun {
		f()
	}
	return s
}

// answered is one answer with its body read.
type answered struct {
	*http.Response
	body []byte
}

func (a answered) into(t *testing.T, v any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(a.body, v), "%s", a.body)
}

// message is what an error answer says.
func (a answered) message(t *testing.T) string {
	t.Helper()
	var e errorAnswer
	a.into(t, &e)
	return e.Error.Message
}

// do sends a request; headers are name, value, name, value…
func (s *running) do(method, path, body string, headers ...string) answered {
	s.t.Helper()
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	require.NoError(s.t, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	response, err := s.client.Do(r)
	require.NoError(s.t, err)
	defer response.Body.Close()
	var b bytes.Buffer
	_, err = b.ReadFrom(response.Body)
	require.NoError(s.t, err)
	return answered{response, b.Bytes()}
}
