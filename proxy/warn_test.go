package proxy_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/proxy"
	"github.com/steelyard-proxy/steelyard/proxy/route"
)

func TestPace(t *testing.T) {
	var p proxy.Quota
	for _, c := range []struct {
		now     time.Duration
		ok      bool
		leftOut int64
	}{
		{0, true, 0},
		{1, false, 0},
		{time.Second - 1, false, 0},
		{time.Second, true, 2},
		{time.Second + 1, false, 0},
		{time.Hour, true, 1},
		{2 * time.Hour, true, 0},
	} {
		leftOut, ok := p.Pass(c.now)
		require.Equal(t, c.ok, ok, c.now)
		require.Equal(t, c.leftOut, leftOut, c.now)
	}
}

// Each line is written or left out, and those left out are told of once.
func TestPaceOfMany(t *testing.T) {
	const each, seconds = 10_000, 20
	var p proxy.Quota
	var written, told atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range each {
				if leftOut, ok := p.Pass(time.Duration(i) * seconds * time.Second / each); ok {
					written.Add(1)
					told.Add(leftOut)
				}
			}
		})
	}
	all.Wait()
	require.LessOrEqual(t, written.Load(), int64(seconds))
	leftOut, ok := p.Pass(time.Hour)
	require.True(t, ok)
	require.EqualValues(t, 4*each, written.Load()+told.Load()+leftOut)
}

// What no endpoint is to blame for comes in floods: the log has it once in a while
// for each upstream, the metrics have all of it.
func TestFloodsAreNotLoggedWhole(t *testing.T) {
	t.Parallel()
	s := defaults()
	s.routes = []route.Rule{{Path: "/other"}}
	s.extra = []*proxy.Upstream{{Name: "other", Pool: balancer.NewPool("other", balancer.NewLoads())}} // nobody in it
	g := serve(t, s, answering(t, plain("hello")))
	_, err := g.pool.SetCondition("a", balancer.Draining, true, "")
	require.NoError(t, err)
	const each = 40
	began, c := time.Now(), dial(t, g)
	for range each {
		for _, path := range []string{"/", "/other"} {
			c.send(getPath(path))
			r, body := c.answer()
			require.Equal(t, 503, r.StatusCode)
			require.Contains(t, body, "no_endpoint")
		}
	}
	most := 1 + int(time.Since(began)/time.Second)
	for _, upstream := range []string{"chat", "other"} {
		lines := g.logged.FilterMessage("request failed").FilterField(zap.String("upstream", upstream)).All()
		require.NotEmpty(t, lines)
		require.LessOrEqual(t, len(lines), most)
		require.Equal(t, "no_endpoint", lines[0].ContextMap()["code"])
		require.NotContains(t, lines[0].ContextMap(), "left_out", "none was, before the first")
		eventually(t, "all of them to be counted", func() bool {
			return g.count(t, "steelyard_requests_total", "upstream", upstream, "code", "5xx") == each
		})
	}
}

// A failure of an endpoint has a line of its own, however many there are.
func TestFailuresOfEndpointsAreAllLogged(t *testing.T) {
	t.Parallel()
	s := defaults()
	p := newPuppet(t)
	g := serve(t, s, p.address)
	for range 3 {
		c := dial(t, g)
		c.send(get)
		up := asked(t, p)
		up.send("nonsense\r\n\r\n")
		r, body := c.answer()
		require.Equal(t, 502, r.StatusCode)
		require.Contains(t, body, "bad_answer")
		up.ends()
	}
	eventually(t, "each to be logged", func() bool { return g.logged.FilterMessage("request failed").Len() == 3 })
}
