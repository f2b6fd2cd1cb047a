package configs

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestDefaults writes the contract out once more: one URL is all that has to be given.
func TestDefaults(t *testing.T) {
	cfg, err := Parse("c.yaml", []byte(`upstreams: [{endpoints: [{url: "http://127.0.0.1:9001"}]}]`), nil)
	require.NoError(t, err)
	require.Equal(t, &Config{
		Listen: []Listen{{Address: "127.0.0.1:8080"}},
		Admin:  Admin{Address: "127.0.0.1:9090"},
		Log:    Log{Level: "info", Format: "json", Access: false},
		Reload: Reload{Watch: true},
		Limits: Limits{
			HeaderBytes: 32 << 10,
			BodyBytes:   64 << 20,
			ReplayBytes: 4 << 20,
			BodyMemory:  1 << 30,
			Connections: 20000,
		},
		Clients: Clients{MinSendRate: 1 << 10, MinReadRate: 1 << 10},
		Timeouts: Timeouts{
			Header:        10 * time.Second,
			Body:          60 * time.Second,
			IdleClient:    75 * time.Second,
			ClientStall:   30 * time.Second,
			UpgradeIdle:   10 * time.Minute,
			ShutdownDelay: 0,
			Shutdown:      30 * time.Second,
		},
		Forwarded: Forwarded{Trust: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}},
		HalfClose: "gone",
		Usage:     Usage{Enabled: true, User: "hash", Days: 30, MaxBytes: 1 << 30},
		Alerts:    Alerts{Interval: 10 * time.Second, Defaults: true},
		Optimise:  "show",
		Anomalies: Anomalies{Enabled: true, SlowRatio: 1.5},
		Forecast:  Forecast{Enabled: true, LeadTime: 10 * time.Minute},
		Shared:    Shared{Cluster: "steelyard", Publish: 200 * time.Millisecond, Timeout: 100 * time.Millisecond},
		Resources: Resources{Interval: 15 * time.Second, Timeout: 5 * time.Second},
		Upstreams: []Upstream{{
			Name:   "default",
			Policy: "capacity", Gateways: 1,
			Affinity:  Affinity{Body: "off"},
			Host:      "pass",
			Queue:     Queue{Order: "fifo", MaxRequests: 1000, MaxWait: 30 * time.Second, HoldBack: true},
			Endpoints: []Endpoint{{Name: "127.0.0.1:9001", URL: "http://127.0.0.1:9001", Capacity: Capacity{Value: 100}, PrefixCache: PrefixCache{Auto: true}}},
			Health: Health{
				Interval:           2 * time.Second,
				Timeout:            time.Second,
				UnhealthyThreshold: 3,
				HealthyThreshold:   2,
				ReleaseAfter:       30 * time.Second,
				Statuses:           []StatusRange{{200, 299}},
				BusyStatuses:       []StatusRange{{429, 429}},
			},
			Signals: Signals{Engine: "off", Interval: time.Second},
			Outlier: Outlier{
				Enforce: true, Shadow: []string{"cluster"}, Consecutive: 3, FailureRatio: 0.5, Window: time.Minute, MinRequests: 10,
				SlowRatio: 3, Stall: 10 * time.Second,
				EjectTime: 10 * time.Second, MaxEjectTime: 5 * time.Minute, MaxEjectedRatio: 0.5, PanicRatio: 0.5,
			},
			Retry: Retry{
				Attempts: 3, Statuses: []StatusRange{{429, 429}, {500, 500}, {502, 504}}, Idempotent: "auto",
				BudgetRatio: 0.2, Backoff: 25 * time.Millisecond, MaxBackoff: 250 * time.Millisecond, Within: time.Minute,
			},
			Hedge:          Hedge{BudgetRatio: 0.05},
			SlowStart:      30 * time.Second,
			TierSpillRatio: 0.7,
			Timeouts:       UpstreamTimeouts{Connect: 2 * time.Second, FirstByte: 10 * time.Minute, Idle: 120 * time.Second},
			Connections:    Connections{MaxIdle: 512, IdleTimeout: 4 * time.Second, MaxAge: 5 * time.Minute},
		}},
		Routes: []Route{{Path: "/", Upstream: "default", Priority: 5}},
	}, cfg)
}

// TestDefaultsBeneathItems shows that items of lists have defaults too, each of its own, and that a list which is
// given takes the place of the default one whole.
func TestDefaultsBeneathItems(t *testing.T) {
	cfg, err := Parse("c.yaml", []byte(`
listen: [{}]
forwarded: {trust: [10.0.0.0/8]}
upstreams:
  - name: a
    endpoints: [{url: "http://127.0.0.1:9001"}]
    health: {statuses: [204], busy_statuses: [503, 529]}
  - name: b
    endpoints: [{url: "http://127.0.0.1:9002"}]
routes: [{}]
`), nil)
	require.NoError(t, err)
	require.Equal(t, []Listen{{Address: "127.0.0.1:8080"}}, cfg.Listen)
	require.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, cfg.Forwarded.Trust)
	require.Equal(t, []StatusRange{{204, 204}}, cfg.Upstreams[0].Health.Statuses)
	require.Equal(t, []StatusRange{{503, 503}, {529, 529}}, cfg.Upstreams[0].Health.BusyStatuses)
	require.Equal(t, []StatusRange{{200, 299}}, cfg.Upstreams[1].Health.Statuses)
	require.Equal(t, []StatusRange{{429, 429}}, cfg.Upstreams[1].Health.BusyStatuses)
	require.Equal(t, []Route{{Path: "/", Upstream: "a", Priority: 5}}, cfg.Routes)
}
