package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sharedRedis is a real Redis.
type sharedRedis struct {
	*process
	address string
	args    []string
}

func startSharedRedis(t *testing.T, args ...string) *sharedRedis {
	t.Helper()
	need(t, "redis-server")
	r := &sharedRedis{address: freeAddress(t), args: args}
	r.run(t)
	return r
}

// run starts it, for the first time or again, with nothing in it.
func (r *sharedRedis) run(t *testing.T) {
	t.Helper()
	_, port, err := net.SplitHostPort(r.address)
	require.NoError(t, err)
	args := append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir()}, r.args...)
	r.process = start(t, nil, "redis-server", args...)
	eventually(t, "redis answers", func() bool { return r.say("PING") == "+PONG" })
}

// say sends a command and returns the first line of its answer; "" where there is none.
func (r *sharedRedis) say(command string) string {
	c, err := net.DialTimeout("tcp", r.address, time.Second)
	if err != nil {
		return ""
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(within))
	if _, err := fmt.Fprintf(c, "%s\r\n", command); err != nil {
		return ""
	}
	line, _ := bufio.NewReader(c).ReadString('\n')
	return strings.TrimSpace(line)
}

// sharing is what a gateway says of those that it shares the servers with.
type sharing struct {
	Reached  bool
	Count    int
	Gateways []struct {
		Name     string
		Self     bool
		InFlight int64 `json:"in_flight"`
		Leads    []struct{ Lease string }
	}
}

func (g *gateway) sharing(t *testing.T) (s sharing) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(get(t, g.admin+"/api/v1/gateways")), &s))
	return s
}

// sharedGateways are gateways over the same servers, that hear of each other.
type sharedGateways []*gateway

func (all sharedGateways) are(t *testing.T, what string, is func(sharing) bool) {
	t.Helper()
	for i, g := range all {
		eventually(t, fmt.Sprintf("%s (gateway %d)", what, i+1), func() bool { return is(g.sharing(t)) })
	}
}

func (all sharedGateways) together(t *testing.T) {
	t.Helper()
	all.are(t, "all are together", func(s sharing) bool { return s.Reached && s.Count == len(all) && len(s.Gateways) == len(all) })
}

func (all sharedGateways) alone(t *testing.T) {
	t.Helper()
	all.are(t, "each is alone", func(s sharing) bool { return !s.Reached })
}

// leader waits until each names the same one as who acts for all.
func (all sharedGateways) leader(t *testing.T) (name string) {
	t.Helper()
	eventually(t, "one acts for all", func() bool {
		names := map[string]int{}
		for _, g := range all {
			for _, one := range g.sharing(t).Gateways {
				for _, l := range one.Leads {
					if l.Lease == "scale" {
						names[one.Name]++
						name = one.Name
					}
				}
			}
		}
		return len(names) == 1 && names[name] == len(all)
	})
	return name
}

// Three gateways share a real Redis that is wiped, stopped, killed and failed over under load. No request is lost, each gateway
// goes on alone and says so, all are together again by themselves, and nothing is left in flight.
func TestSharedRedisMayFail(t *testing.T) {
	first := startSharedRedis(t)
	_, port, err := net.SplitHostPort(first.address)
	require.NoError(t, err)
	second := startSharedRedis(t, "--replicaof", "127.0.0.1", port)
	servers := threeServers(t)
	var all sharedGateways
	var loads []*load
	for i := range 3 {
		g := serve(t, fmt.Sprintf("shared: {redis: \"redis://%s,redis://%s\", name: gw-%d, timeout: 100ms}", first.address, second.address, i+1), servers...)
		all = append(all, g)
		loads = append(loads, startLoad(t, g.url, 4))
	}
	goesOn := func() {
		t.Helper()
		for _, l := range loads {
			l.awaitMore(t, 20, "")
		}
	}
	all.together(t)
	was := all.leader(t)
	eventually(t, "all see what the others have", func() bool { return number(t, all[0], "steelyard_gateway_elsewhere_requests") > 2 })

	for range 5 {
		require.Equal(t, "+OK", first.say("FLUSHALL"))
		goesOn()
	}
	all.together(t)
	require.Equal(t, was, all.leader(t), "who acts for all stays the one when the store forgets it")

	first.signal(t, syscall.SIGSTOP)
	all.alone(t)
	goesOn()
	first.signal(t, syscall.SIGCONT)
	all.together(t)

	first.kill(t)
	all.alone(t)
	goesOn()
	first.run(t)
	all.together(t)
	all.leader(t)

	eventually(t, "the second follows the first", func() bool {
		return strings.Contains(second.say("GET none"), "$-1") && second.say("REPLICAOF NO ONE") == "+OK"
	})
	first.kill(t)
	goesOn()
	all.together(t)
	all.leader(t)

	total := 0
	for _, l := range loads {
		for _, e := range l.finish() {
			require.Empty(t, e.problem)
			total++
		}
	}
	for _, g := range all {
		g.atRest(t)
		require.Zero(t, number(t, g, "steelyard_in_flight_drift"))
		require.NotZero(t, number(t, g, `steelyard_events_total{kind="gateways_apart"}`))
		var asked sharedUse
		eventually(t, "it answers for all", func() bool { asked = g.use(t, ""); return asked.requests() == total && len(asked.Gateways) == len(all) })
		require.Less(t, g.use(t, "&alone=true").requests(), total)
	}
	t.Logf("%d requests, none lost, each counted once at each gateway", total)
}

// sharedUse is what a gateway says of who has asked.
type sharedUse struct {
	Rows     []struct{ Requests int }
	Gateways []struct{ Name string }
}

func (g *gateway) use(t *testing.T, more string) (u sharedUse) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(get(t, g.admin+"/api/v1/usage?by=upstream"+more)), &u))
	return u
}

func (u sharedUse) requests() (n int) {
	for _, r := range u.Rows {
		n += r.Requests
	}
	return n
}

// Three gateways without a store tell each other. One of them is killed and comes back: the others know within seconds, another acts
// for all if it was that one, and no request to the others is lost.
func TestSharedPeers(t *testing.T) {
	servers := threeServers(t)
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("a-key-that-is-long-enough-for-anybody"), 0o600))
	var admins []string
	for range 3 {
		admins = append(admins, freeAddress(t))
	}
	var all sharedGateways
	for i, admin := range admins {
		g := newGateway(t, fmt.Sprintf("shared: {peers: [\"http://%s\"], secret_file: %s, name: gw-%d, timeout: 100ms}", strings.Join(admins, `", "http://`), secret, i+1), servers...)
		g.head = strings.Replace(g.head, strings.TrimPrefix(g.admin, "http://"), admin, 1)
		g.admin = "http://" + admin
		g.write(t, servers...)
		g.process = start(t, nil, binary, "serve", "--config", g.file)
		g.becomesReady(t)
		all = append(all, g)
	}
	all.together(t)
	require.Equal(t, "gw-1", all.leader(t), "of equals the first by name")
	loads := []*load{startLoad(t, all[1].url, 4), startLoad(t, all[2].url, 4)}
	eventually(t, "the first sees what the others have", func() bool { return number(t, all[0], "steelyard_gateway_elsewhere_requests") > 2 })
	all[0].kill(t)
	rest := all[1:]
	rest.are(t, "the first is gone", func(s sharing) bool { return s.Reached && len(s.Gateways) == 2 })
	require.Equal(t, "gw-2", rest.leader(t))
	all[0].process = start(t, nil, binary, "serve", "--config", all[0].file)
	all[0].becomesReady(t)
	all.together(t)
	require.Equal(t, "gw-2", all.leader(t), "who acts for all goes on doing so")
	for _, l := range loads {
		for _, e := range l.finish() {
			require.Empty(t, e.problem)
		}
	}
	for _, g := range all {
		g.atRest(t)
		require.Zero(t, number(t, g, "steelyard_in_flight_drift"))
	}
}

// Of three gateways that watch the same servers one tells a receiver of an alert, and that it is over. An operator's drain at one
// counts at all.
func TestSharedAlertsAreToldOnce(t *testing.T) {
	redis := startSharedRedis(t)
	servers := threeServers(t)
	var posts atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { posts.Add(1) }))
	defer receiver.Close()
	var all sharedGateways
	for i := range 3 {
		more := watched(t, fmt.Sprintf("  - {name: hook, kind: webhook, url: %q, group_wait: 1s, interval: 1s}\n", receiver.URL))
		all = append(all, serve(t, more+fmt.Sprintf("shared: {redis: \"redis://%s\", name: gw-%d, timeout: 100ms}", redis.address, i+1), servers...))
	}
	all.together(t)
	all.leader(t)
	delivered := func() (n float64) {
		for _, g := range all {
			n += number(t, g, `steelyard_notify_messages_total{receiver="hook",result="delivered"}`)
		}
		return n
	}
	settled := func() bool {
		for _, g := range all {
			if number(t, g, `steelyard_notify_messages_waiting{receiver="hook"}`) != 0 || number(t, g, `steelyard_alerts{name="endpoint-down",severity="ticket",state="firing"}`) != 1 {
				return false
			}
		}
		return posts.Load() > 0 && delivered() > 0 // it counts as delivered once its answer has come
	}
	servers[1].kill(t)
	eventually(t, "each knows that it was told", settled)
	require.EqualValues(t, 1, posts.Load())
	require.EqualValues(t, 1, delivered())

	require.Equal(t, 200, post(t, all[0].admin+"/api/v1/upstreams/chat/endpoints/"+servers[0].name+"/drain"))
	for _, g := range all {
		eventually(t, "it is drained at all", func() bool {
			for _, c := range g.endpoints(t)[servers[0].name].Conditions {
				if c.Name == "draining" {
					return true
				}
			}
			return false
		})
	}
}
