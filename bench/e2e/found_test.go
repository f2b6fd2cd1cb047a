package e2e

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// serveFound starts a gateway whose endpoints are found.
func serveFound(t *testing.T, discovery string) *gateway {
	t.Helper()
	g := newGateway(t, "")
	text := g.head + "upstreams:\n  - name: chat\n    discovery: {" + discovery + "}\n" +
		"    health: {path: /health, interval: 500ms, timeout: 500ms, unhealthy_threshold: 2, healthy_threshold: 1}\n"
	require.NoError(t, os.WriteFile(g.file, []byte(text), 0o600))
	g.process = start(t, nil, binary, "serve", "--config", g.file)
	return g
}

// serves waits until exactly these endpoints are eligible.
func (g *gateway) serves(t *testing.T, names ...string) {
	t.Helper()
	slices.Sort(names)
	var got []string
	eventually(t, "they serve: "+strings.Join(names, " "), func() bool {
		got = nil
		if status(g.admin+"/readyz") == 0 {
			return false
		}
		for name, e := range g.endpoints(t) {
			if e.Eligible {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		return slices.Equal(got, names)
	})
}

// nothingLost ends a load: each request has had a whole answer.
func (l *load) nothingLost(t *testing.T) {
	t.Helper()
	all := l.finish()
	for _, e := range all {
		require.Empty(t, e.problem)
	}
	t.Logf("%d requests, none lost", len(all))
}

// Servers that register themselves are found, and go with a word. Whatever happens to the store meanwhile, nobody goes
// and no request is lost.
func TestServersFoundByRedis(t *testing.T) {
	r := startRedis(t, "")
	servers := threeServers(t)
	g := serveFound(t, fmt.Sprintf("kind: redis, url: %q, interval: 1s", "redis://"+r.address+"/0"))
	var parents []*process
	for _, s := range servers {
		parents = append(parents, register(t, r, s.url(), "--name", s.name, "--capacity", strconv.Itoa(int(s.capacity)), "--drain", "6s"))
	}
	names := []string{"small", "large", "medium"}
	g.serves(t, names...)
	require.EqualValues(t, 200, g.endpoints(t)["large"].Capacity)
	l := startLoad(t, g.url, 8)
	l.awaitMore(t, 20, "large")

	trouble := func(what string) {
		eventually(t, what+" is told", func() bool { return strings.Contains(g.err.String(), what) })
		g.serves(t, names...)
		l.awaitMore(t, 20, "")
	}
	settled := func() bool {
		said := g.err.String()
		return strings.Count(said, `"discovery_failed"`) == strings.Count(said, `"discovery_back"`)
	}
	r.signal(t, syscall.SIGSTOP)
	trouble("did not answer in time")
	r.signal(t, syscall.SIGCONT)
	eventually(t, "the source is back", settled)
	require.Equal(t, "OK", r.cli("FLUSHALL"))
	for _, s := range servers {
		eventually(t, "it is registered again", func() bool { return r.record(s.name) != "" })
	}
	read := r.calls(t, "smembers")
	eventually(t, "that was read, and no trouble is left", func() bool { return r.calls(t, "smembers") >= read+3 && settled() })
	l.awaitMore(t, 20, "")
	g.serves(t, names...)
	r.kill(t)
	trouble("cannot be reached")
	r = startRedis(t, r.address)
	for _, s := range servers {
		eventually(t, "it is registered with the new store", func() bool { return r.record(s.name) != "" })
	}
	eventually(t, "the source is back", settled)
	g.serves(t, names...)

	fourth := startServer(t, "fourth", 100)
	register(t, r, fourth.url(), "--name", "fourth", "--capacity", "100")
	g.serves(t, append(names, "fourth")...)
	l.awaitMore(t, 10, "fourth")
	parents[1].signal(t, syscall.SIGTERM)
	g.serves(t, "small", "medium", "fourth")
	require.Zero(t, parents[1].exits(t))
	eventually(t, "it is gone", func() bool { _, there := g.endpoints(t)["large"]; return !there })
	l.nothingLost(t)
	g.atRest(t)
}

// Addresses and services that DNS names are found as their records change, and none goes when the name server does.
func TestServersFoundByDNS(t *testing.T) {
	n := startNames(t, "")
	port := strconv.Itoa(portOf(t, freeAddress(t)))
	at := func(i int) string { return net.JoinHostPort("127.0.0."+strconv.Itoa(i), port) }
	for i := 2; i <= 5; i++ {
		s := &server{name: at(i), address: at(i), capacity: 100}
		s.run(t)
	}
	records := func(numbers ...int) {
		var lines []string
		for _, i := range numbers {
			lines = append(lines, "127.0.0."+strconv.Itoa(i)+" engines.test")
		}
		n.lists(t, lines...)
		n.signal(t, syscall.SIGHUP)
	}
	g := serveFound(t, fmt.Sprintf("kind: dns, name: engines.test, port: %s, servers: [%q]", port, n.address))
	records(2, 3, 4)
	g.serves(t, at(2), at(3), at(4))
	l := startLoad(t, g.url, 8)
	l.awaitMore(t, 10, at(4))
	records(2, 3, 5)
	g.serves(t, at(2), at(3), at(5))
	l.awaitMore(t, 10, at(5))
	records()
	eventually(t, "a name without addresses is told", func() bool {
		return strings.Contains(g.err.String(), "engines.test. does not exist") || strings.Contains(g.err.String(), "no record of type A")
	})
	g.serves(t, at(2), at(3), at(5))
	records(2, 3, 5)
	eventually(t, "the name is back", func() bool { return strings.Contains(g.err.String(), `"discovery_back"`) })
	n.kill(t)
	eventually(t, "a name server that is away is told", func() bool { return strings.Contains(g.err.String(), "connection refused") })
	g.serves(t, at(2), at(3), at(5))
	l.awaitMore(t, 20, "")

	srv := func(i, weight int) string {
		return fmt.Sprintf("srv-host=_http._tcp.engines.test,n%d.engines.test,%s,0,%d", i, port, weight)
	}
	n = startNames(t, n.address, srv(3, 300), srv(4, 100), "host-record=n3.engines.test,127.0.0.3", "host-record=n4.engines.test,127.0.0.4")
	records(2, 3, 5, 4)
	g.serves(t, at(2), at(3), at(4), at(5))
	text, err := os.ReadFile(g.file)
	require.NoError(t, err)
	changed := strings.Replace(string(text), "name: engines.test, port: "+port, "name: _http._tcp.engines.test", 1)
	require.NoError(t, os.WriteFile(g.file, []byte(changed), 0o600))
	g.signal(t, syscall.SIGHUP)
	third, fourth := "n3.engines.test:"+port, "n4.engines.test:"+port
	g.serves(t, third, fourth)
	require.EqualValues(t, 300, g.endpoints(t)[third].Capacity)
	l.nothingLost(t)
	g.atRest(t)
}

// A name whose addresses are more than UDP takes, looked up by the system's own means and by ours.
func TestManyAddressesByDNS(t *testing.T) {
	n := startNames(t, "")
	var lines []string
	for i := range 300 {
		lines = append(lines, fmt.Sprintf("127.1.%d.%d many.test", i/250, i%250+1))
	}
	n.lists(t, lines...)
	n.signal(t, syscall.SIGHUP)
	g := serveFound(t, fmt.Sprintf("kind: dns, name: many.test, port: 1, servers: [%q]", n.address))
	eventually(t, "all are found", func() bool { return status(g.admin+"/readyz") != 0 && len(g.endpoints(t)) == 300 })
}
