package proxy_test

import (
	"bufio"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/proxy"
	"github.com/steelyard-proxy/steelyard/proxy/route"
)

// dice is a seeded source that many goroutines share.
type dice struct {
	mu     sync.Mutex
	random *rand.Rand // guarded by mu
}

func newDice(seed, stream uint64) *dice { return &dice{random: rand.New(rand.NewPCG(seed, stream))} }

func (d *dice) roll(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.random.IntN(n)
}

// ways are what an endpoint may answer. Those that do not last are followed by a close.
var ways = []struct {
	answer string
	lasts  bool
}{
	{plain("hello"), true},
	{plain("hello"), true},
	{plain(strings.Repeat("x", 100<<10)), true},
	{streamHead + chunk("data: 1\n\n") + chunk("data: 2\n\n") + "0\r\n\r\n", true},
	{streamHead + chunk("data: 1\n\n") + "0\r\nX-Sum: 7\r\n\r\n", true},
	{"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + plain("hello"), true},
	{"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", true},
	{"HTTP/1.1 429 Slow Down\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", true},
	{plain("hello") + "leftover", true},
	{"HTTP/1.1 204 No Content\r\n\r\n", true},
	{streamHead + chunk("data: 1\n\n"), false},                    // cut between chunks
	{streamHead + "20\r\ndata: 1", false},                         // cut inside one
	{streamHead + "zz\r\n", false},                                // no chunk at all
	{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", false}, // cut short
	{"HTTP/1.1 200 OK\r\nConte", false},                           // cut in the head
	{"garbage\r\n\r\n", false},
	{"HTTP/1.0 200 OK\r\n\r\nuntil close", false},
	{"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false},
	{"", false}, // a close without a word
}

// whim is an endpoint that ends exchanges in every way there is.
func whim(t testing.TB, d *dice) string {
	return endpoint(t, func(c net.Conn, br *bufio.Reader) {
		for {
			r, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			if d.roll(8) > 0 { // else: answered before the body is read
				if _, err := io.Copy(io.Discard, r.Body); err != nil {
					return
				}
			}
			if r.Header.Get("Upgrade") != "" && d.roll(2) == 0 {
				if _, err := io.WriteString(c, upgradeAnswer+"glued"); err != nil {
					return
				}
				_ = c.SetReadDeadline(time.Now().Add(time.Duration(d.roll(20)) * time.Millisecond))
				_, _ = io.Copy(c, br)
				return
			}
			if d.roll(20) == 0 { // hangs, until it is left or has enough itself
				_ = c.SetReadDeadline(time.Now().Add(time.Duration(d.roll(200)) * time.Millisecond))
				_, _ = br.ReadByte()
			}
			if !whimsical(c, d) {
				return
			}
		}
	})
}

// whimsical answers once and says whether the connection goes on.
func whimsical(c net.Conn, d *dice) bool {
	way := ways[d.roll(len(ways))]
	answer := way.answer
	if d.roll(8) == 0 { // in two pieces
		at := d.roll(len(answer) + 1)
		if _, err := io.WriteString(c, answer[:at]); err != nil {
			return false
		}
		passes(time.Duration(d.roll(5)) * time.Millisecond)
		answer = answer[at:]
	}
	if _, err := io.WriteString(c, answer); err != nil {
		return false
	}
	if !way.lasts && d.roll(2) == 0 {
		_ = c.(*net.TCPConn).SetLinger(0)
	}
	return way.lasts
}

// wishes are what clients send.
var wishes = []string{
	get, get, get + get + get, getPath("/nowhere"), getPath("/broken"),
	post("{}"), post(strings.Repeat("x", 4<<10)), post(strings.Repeat("x", 50<<10)), post(strings.Repeat("x", 600<<10)),
	"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(strings.Repeat("y", 30<<10)) + chunk("z") + "0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("fine") + "zz\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly",
	"GET / HTTP/1.0\r\n\r\n", "GET /../ HTTP/1.1\r\nHost: x\r\n\r\n", "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", "nonsense\r\n\r\n",
}

// erratic sends one wish, whole or not, and leaves at any moment, in any way.
func erratic(address string, d *dice) { erraticWith(address, d, wishes[d.roll(len(wishes))]) }

func erraticWith(address string, d *dice, wish string) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer func() { _ = c.Close() }()
	if d.roll(4) == 0 {
		wish = wish[:d.roll(len(wish))]
	}
	if _, err := io.WriteString(c, wish); err != nil {
		return
	}
	switch d.roll(8) {
	case 0: // gone at once
		return
	case 1:
		_ = c.(*net.TCPConn).SetLinger(0)
		return
	case 2:
		_ = c.(*net.TCPConn).CloseWrite()
	case 3, 4: // gone in the midst of it
		_ = c.SetReadDeadline(time.Now().Add(time.Duration(d.roll(10)) * time.Millisecond))
		_, _ = io.CopyN(io.Discard, c, int64(d.roll(2000)))
		return
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Duration(20+d.roll(100)) * time.Millisecond))
	_, _ = io.Copy(io.Discard, c)
}

// tripwire is a log whose writing panics now and then, in the midst of the
// ending of an exchange; never while that is about a panic already.
type tripwire struct {
	zapcore.Core
	written *atomic.Int64
}

func (c tripwire) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return ce.AddCore(e, c)
}

func (c tripwire) Write(e zapcore.Entry, fields []zapcore.Field) error {
	for _, f := range fields {
		if f.Key == "code" && f.String != "internal_error" && c.written.Add(1)%20 == 0 {
			panic("tripped")
		}
	}
	return nil
}

// After 2,000 exchanges with any mix of endings, panics and reloads among them,
// every gauge is back at zero: rests, which serve calls as well, sees to that.
// More are made for as long as an ending is missing, which depends on the time.
func TestNothingDrifts(t *testing.T) {
	const clients, each, rounds, seed = 20, 100, 10, 7
	s := defaults()
	s.generation.ReplayBytes, s.generation.BodyMemory = 8<<10, 64<<10
	s.generation.BodyBytes = 1 << 20
	s.upstream.FirstByte, s.upstream.Idle = soon, soon
	s.connections.MaxIdle = 4
	s.front.ClientStall = 20 * soon
	s.generation.UpgradeIdle = 2 * soon
	s.routes = []route.Rule{{Path: "/broken"}}
	s.extra = []*proxy.Upstream{{Name: "broken"}} // without a pool: its use panics
	s.core = func(c zapcore.Core) zapcore.Core { return tripwire{Core: c, written: new(atomic.Int64)} }
	g := serve(t, s, whim(t, newDice(seed, 1)), whim(t, newDice(seed, 2)), whim(t, newDice(seed, 3)), refusing(t))

	stop, reloading := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(reloading)
		g.reload(t, newDice(seed, 4), stop)
	}()
	for round := range uint64(rounds) {
		var all sync.WaitGroup
		for i := range uint64(clients) {
			d := newDice(seed, 100+clients*round+i)
			all.Go(func() {
				for range each {
					erratic(g.address, d)
				}
			})
		}
		all.Wait()
		if g.missing() == "" {
			break
		}
	}
	close(stop)
	<-reloading
	g.rests(t)
	for _, e := range g.pool.Snapshot().Endpoints {
		require.Zero(t, e.Endpoint.Load().InFlight(), e.Endpoint.Name())
	}
	ended := g.count(t, "steelyard_requests_total")
	require.Greater(t, ended, clients*each/2, "most clients got as far as a request")
	eventually(t, "the last lines of the access log", func() bool { return g.accessed.Len() >= ended })
	require.Equal(t, ended, g.accessed.Len(), "each exchange is counted once and has one line")
	require.Positive(t, g.count(t, "steelyard_panics_total"))
	require.Empty(t, g.missing(), "no exchange ended as this: the mix has lost something")
}

// missing is an outcome that no attempt has ended with yet; "" when there is none.
func (g *gateway) missing() string {
	for class := balancer.Answered; class <= balancer.Refused; class++ {
		if g.finished(class) == 0 {
			return class.String()
		}
	}
	return ""
}

// reload puts other rules and other members in force, again and again.
func (g *gateway) reload(t *testing.T, d *dice, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(5+d.roll(10)) * time.Millisecond):
		}
		rules := *g.generation
		rules.ReplayBytes = int64(1+d.roll(16)) << 10
		rules.BodyMemory = int64(d.roll(128)) << 10
		g.handler.Use(&rules)
		var members []balancer.EndpointOptions
		for i, target := range g.targets {
			if i == 0 || d.roll(4) > 0 {
				members = append(members, balancer.EndpointOptions{
					Name: target.Name, URL: "http://" + target.Host, Capacity: float64(1 + d.roll(200)), Via: target,
				})
			}
		}
		build, err := policy.Lookup([]string{"capacity", "least_cost", "least_cost"}[d.roll(3)])
		if err != nil {
			t.Error(err)
			return
		}
		if err := g.pool.Apply(balancer.Options{Policy: build}, members); err != nil {
			t.Error(err)
			return
		}
		g.noteLoads()
	}
}
