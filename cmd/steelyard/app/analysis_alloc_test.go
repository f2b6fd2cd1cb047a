//go:build !race

package app

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/proxy"
)

// TestARecordCostsNoMemory: it is made on the request path. The race detector allocates for itself, hence the build tag.
func TestARecordCostsNoMemory(t *testing.T) {
	cfg, err := configs.Parse("c.yaml", []byte(`upstreams: [{endpoints: [{url: "http://127.0.0.1:9001"}]}]`), nil)
	require.NoError(t, err)
	cfg.Listen[0].Address, cfg.Admin.Address = "127.0.0.1:0", ""
	a, err := New(cfg, Options{})
	require.NoError(t, err)
	defer a.closeListeners()
	u := &proxy.Upstream{Name: "chat"}
	r := &proxy.Record{
		Asked: u, Upstream: u, Target: &proxy.Target{Name: "a"}, Status: 200, Response: time.Second,
		Attempt: &proxy.Attempted{Outcome: balancer.Outcome{Class: balancer.Answered, Status: 200, Usage: balancer.Usage{PromptTokens: 7}}},
		Who:     &proxy.Who{By: proxy.KnownByKey, User: []byte("sk-secret"), Model: "llama", Retry: -1},
	}
	require.Zero(t, testing.AllocsPerRun(500, func() { a.analysis.Record(r) }))
}
