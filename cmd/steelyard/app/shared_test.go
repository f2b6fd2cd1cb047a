package app_test

import (
	"io"
	"math"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/predict"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/configs"
)

// What other gateways have in flight, and what is left of a process that this one has replaced, add up at the server, and neither
// overwrites the other. Others are told of what is ours, and of what was our predecessor's.
func TestElsewhereIsTheSumOfAll(t *testing.T) {
	h := newHolder(t)
	cfg := config(t, "", endpoint("h", h.URL, 100))
	r := run(t, cfg)
	u, err := url.Parse(h.URL)
	require.NoError(t, err)
	load := func() int64 { return r.Snapshots()[0].Endpoints[0].Endpoint.Load().InFlight() }
	app.HearGateways(r.App, map[string]int64{u.Host: 3}, 3)
	assert.EqualValues(t, 3, load())
	r.SetElsewhere(1, map[string]int64{u.Host: 2}, nil)
	assert.EqualValues(t, 5, load())
	app.HearGateways(r.App, map[string]int64{u.Host: 1}, 1)
	assert.EqualValues(t, 3, load())
	s := open(t, r)
	assert.EqualValues(t, 4, load())
	assert.Equal(t, map[string]int64{u.Host: 3}, app.ToldToGateways(r.App), "ours and our predecessor's")
	assert.EqualValues(t, 1, app.InFlight(r.App), "what others have is no drift of ours")
	r.SetElsewhere(0, map[string]int64{}, nil)
	assert.EqualValues(t, 2, load())
	_ = s
	h.release()
	require.NoError(t, r.stop())
}

// limits.requests is for all gateways together where that is asked for.
func TestLimitsAreShared(t *testing.T) {
	for _, shared := range []bool{false, true} {
		cfg := config(t, "", endpoint("a", backend(t, "a").URL, 100))
		cfg.Shared.Limits, cfg.Limits.Requests = shared, 5
		r := run(t, cfg)
		app.HearGateways(r.App, nil, 5)
		got, err := http.Get(r.url)
		require.NoError(t, err)
		require.NoError(t, got.Body.Close())
		assert.Equal(t, map[bool]int{false: 200, true: 503}[shared], got.StatusCode)
		require.NoError(t, r.stop())
	}
}

// What may wait, and be under way, may be so at all gateways together. While the others cannot be asked each has its part, and one
// that is alone has all.
func TestBoundsAreShared(t *testing.T) {
	h := newHolder(t)
	cfg := config(t, "", endpoint("h", h.URL, 100)+", slots: 2")
	cfg.Upstreams[0].Queue = configs.Queue{Order: "fifo", MaxRequests: 4, MaxWait: time.Hour}
	cfg.Shared.Limits, cfg.Clients.MaxRequests, cfg.Limits.Requests = true, 32, 6
	r := run(t, cfg)
	open(t, r)
	ask := func(want string) {
		t.Helper()
		got, err := http.Get(r.url)
		require.NoError(t, err)
		text, err := io.ReadAll(got.Body)
		require.NoError(t, err)
		require.NoError(t, got.Body.Close())
		assert.Contains(t, string(text), want)
	}
	ask("held")
	app.BoundByGateways(r.App, 2, true, 6, nil)
	ask("held") // two of its three
	app.BoundByGateways(r.App, 6, true, 6, nil)
	ask("overloaded") // more than its one of six
	app.BoundByGateways(r.App, 6, false, 0, nil)
	ask("overloaded") // nobody knows what the others have
	app.BoundByGateways(r.App, 32, true, 0, nil)
	ask("client_requests") // one of an address at each
	app.BoundByGateways(r.App, 1, true, 0, nil)
	ask("held")
	app.BoundByGateways(r.App, 1, false, 0, nil) // as at a start without a store
	ask("held")

	open(t, r) // both slots are in use
	app.BoundByGateways(r.App, 1, true, 0, map[string]int64{"chat": 3, "other": 9})
	done := make(chan *http.Response, 1)
	go func() {
		got, _ := http.Get(r.url)
		done <- got
	}()
	require.Eventually(t, func() bool { return app.Waiting(r.App) == 1 }, time.Minute, time.Millisecond)
	app.BoundByGateways(r.App, 4, true, 0, map[string]int64{"chat": 3, "other": 9})
	ask("queue_full") // three wait elsewhere, and one here
	h.release()
	got := <-done
	require.NotNil(t, got)
	require.NoError(t, got.Body.Close())
	assert.Equal(t, http.StatusOK, got.StatusCode)
	require.NoError(t, r.stop())
}

// An operator's word at one gateway counts at all of them, the last one wherever it was said, and a gateway that starts later
// hears it too.
func TestDrainsAreShared(t *testing.T) {
	b := backend(t, "a")
	gateway := func() *running { return run(t, config(t, "", endpoint("a", b.URL, 100))) }
	drained := func(r *running) bool { return len(r.Drains()) == 1 }
	first, second := gateway(), gateway()
	tell := func(from, to *running) { app.HearFacts(to.App, map[string][]byte{"other@1": app.Facts(from.App)}) }
	_, err := app.DrainHere(first.App, "chat", "a", true, "the fan is broken")
	require.NoError(t, err)
	tell(first, second)
	tell(second, first)
	require.True(t, drained(second))
	assert.Equal(t, "the fan is broken", second.Drains()[0].Reason)
	_, err = app.DrainHere(second.App, "chat", "a", false, "")
	require.NoError(t, err)
	tell(first, second)
	assert.False(t, drained(second), "what was said before is no news")
	tell(second, first)
	assert.False(t, drained(first))
	_, err = app.DrainHere(first.App, "chat", "a", true, "again")
	require.NoError(t, err)
	third := gateway()
	tell(first, third)
	assert.True(t, drained(third))
	for _, nonsense := range []string{"", "x", `{"drains":[{"upstream":"none","endpoint":"a","on":true,"version":9}],"worth":{"chat":[{"server":"x","capacity":-1,"requests":5}]}}`} {
		app.HearFacts(third.App, map[string][]byte{"other@1": []byte(nonsense)})
	}
	for _, r := range []*running{first, second, third} {
		require.NoError(t, r.stop())
	}
}

// A gateway that has measured little goes by what the others have measured, and by the mean of all once it has.
func TestMeasuredCapacitiesAreMerged(t *testing.T) {
	cfg := config(t, "", endpoint("a", backend(t, "a").URL, 100), endpoint("b", backend(t, "b").URL, 100))
	for i := range cfg.Upstreams[0].Endpoints {
		cfg.Upstreams[0].Endpoints[i].Capacity.Auto = true
	}
	r := run(t, cfg)
	server := r.Snapshots()[0].Endpoints[0].Endpoint.Server()
	app.HearFacts(r.App, map[string][]byte{
		"x@1": []byte(`{"worth":{"chat":[{"server":"` + server + `","capacity":60,"requests":100}]}}`),
		"y@1": []byte(`{"worth":{"chat":[{"server":"` + server + `","capacity":30,"requests":50}]}}`),
	})
	app.Measure(r.App, 0)
	assert.InDelta(t, 50, r.Snapshots()[0].Endpoints[0].Base, 0.01)
	assert.InDelta(t, 100, r.Snapshots()[0].Endpoints[1].Base, 0.01)
	app.HearFacts(r.App, nil)
	app.Measure(r.App, 0)
	assert.InDelta(t, 100, r.Snapshots()[0].Endpoints[0].Base, 0.01)
	require.NoError(t, r.stop())
}

// A gateway that has just started predicts as one that has learned.
func TestPredictionsAreShared(t *testing.T) {
	folders := []string{t.TempDir(), t.TempDir()}
	knowing(t, filepath.Join(folders[0], "learned.json"), "known")
	taught := run(t, learningConfig(t, folders[0], backend(t, "a").URL))
	cold := run(t, learningConfig(t, folders[1], backend(t, "a").URL))
	size := func(r *running) float64 {
		return app.Predictors(r.App)[0].Size([]byte("known"), predict.Features{PromptBytes: 100, MaxTokens: 200})
	}
	require.NotEqual(t, size(taught), size(cold))
	told := app.Facts(taught.App)
	app.HearFacts(cold.App, map[string][]byte{"other@1": told, "wrong@1": []byte(`{"learned":{"chat":{"version":1}},"answers":{"chat":{"answers":-1}}}`)})
	eventually(t, "what was heard to count", func() bool { return math.Abs(size(cold)-size(taught)) < 1e-6 })
	for _, r := range []*running{taught, cold} {
		require.NoError(t, r.stop())
	}
}
