package proxy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/proxy"
)

// heard is a judge that hands on what it hears.
type heard chan proxy.Attempted

func (h heard) Judge(a *proxy.Attempted) { h <- *a }

// broken is a judge that panics.
type broken struct{}

func (broken) Judge(*proxy.Attempted) { panic("a judge") }

// A judge hears of each attempt, also of one that failed, with what it took; nobody need want to
// know the work of requests for that.
func TestJudgesHearOfEachAttempt(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, defaults(), p.address)
	judge := make(heard, 10)
	g.targets[0].Appoint(judge)
	c := dial(t, g)
	c.send(get)
	up := p.accept(t)
	up.request()
	passes(soon)
	up.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
	c.head()
	passes(soon)
	up.send("ok")
	c.expect("ok")
	first := <-judge
	require.Equal(t, balancer.Answered, first.Class)
	require.Equal(t, 200, first.Status)
	require.EqualValues(t, 1, first.InFlight)
	require.Positive(t, first.Connect)
	require.GreaterOrEqual(t, first.FirstByte, soon)
	require.GreaterOrEqual(t, first.Service, first.FirstByte+soon)
	require.Zero(t, first.Blocked)

	c.send(get)
	up.request()
	up.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
	up.close()
	second := <-judge
	require.Equal(t, balancer.Truncated, second.Class)
	require.Zero(t, second.Connect, "there was a connection")
	require.Less(t, second.Service, time.Minute)
}

// A judge that panics costs neither a request nor a slot, and takes nothing from the other judges.
func TestBrokenJudge(t *testing.T) {
	g := serve(t, defaults(), answering(t, plain("ok")))
	other := make(heard, 3)
	g.targets[0].Appoint(broken{}, other)
	c := dial(t, g)
	for range 3 {
		r, body := c.ask(get)
		require.Equal(t, 200, r.StatusCode)
		require.Equal(t, "ok", body)
	}
	eventually(t, "the other to hear of all", func() bool { return len(other) == 3 })
	eventually(t, "each panic to be counted", func() bool { return g.count(t, "steelyard_panics_total") == 3 })
}
